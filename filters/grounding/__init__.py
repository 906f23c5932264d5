"""What a conversation has given so far, and whether a value can come from it."""
