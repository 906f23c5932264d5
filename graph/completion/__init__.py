"""What catalogs leave out of their functions, filled in by a model."""

from pathlib import Path

PROMPTS = Path(__file__).parent / "prompts"
"""The folder of the completer's prompts."""
