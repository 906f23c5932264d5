"""Changes a run while it is played, from another process of its owner."""
