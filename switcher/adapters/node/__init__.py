"""Orders to the nodes' agents."""
