"""The forms in which training data leaves a run; each turns one trajectory into rows."""
