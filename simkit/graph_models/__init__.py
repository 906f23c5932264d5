"""Models that help the graph: they complete functions and score edges."""
