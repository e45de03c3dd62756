"""The node's side: CNI verbs, live switching, counters. It never imports ``switcher``."""
