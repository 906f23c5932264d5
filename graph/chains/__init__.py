"""What is done to a walk before a conversation is written for it."""
