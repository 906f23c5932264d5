"""What an answer retells of results, compared with what was given."""
