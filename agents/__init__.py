"""Intent writer, user, assistant and tool agents, and the conversation that joins them."""

from pathlib import Path

PROMPTS = Path(__file__).parent / "prompts"
"""The folder of the agents' prompts."""
