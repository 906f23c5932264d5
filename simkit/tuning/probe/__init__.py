"""Finding the limits of a real provider: stages of rising concurrency within a budget."""
