"""The controller and its tools: history, tariffs, decisions, and the lab."""
