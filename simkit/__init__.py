"""simkit: tool-use training data for language models.

Function definitions are linked into a graph, walked for chains, turned into private
user intents and acted out by three model-played agents; filters keep what is worth
training on. Start with ``simkit generate --demo``, or read ``docs/design.md``.
"""

from simkit.traces.version import __version__

__all__ = ["__version__"]
