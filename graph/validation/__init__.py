"""A model's opinion of the edges and chains of a graph."""

from pathlib import Path

PROMPTS = Path(__file__).parent / "prompts"
"""The folder of the validator's prompts."""
