"""The lab: a site of several nodes and three physical networks on one machine, with real traffic (design: The lab)."""
