"""Who plays and who judges in a replay: the models of the run, repeating what they said."""

from __future__ import annotations

from simkit import casting
from simkit.agents.beginning import Beginning
from simkit.agents.conversation import Conversations
from simkit.clients.recorded import Recorded, Tape
from simkit.config import RunConfig
from simkit.filters.filter import Check
from simkit.filters.pipeline import FilterPipeline
from simkit.prompts import Prompts
from simkit.providers import Voices
from simkit.python_tools import MODEL
from simkit.traces.voice import Voice


class ReplayCast:
    """The stages of a run with *config*, for one tape after the other."""

    def __init__(self, config: RunConfig, prompts: Prompts) -> None:
        self._config = config
        self._prompts = prompts

    def conversations(self, tape: Tape, beginning: Beginning | None) -> Conversations:
        """What plays the scenario that *tape* was recorded of, from *beginning* if it has one."""
        voices = self._voices(tape).roles
        # What really ran is not run again, and its file need not be there.
        real = {
            source: Voice(role="tool", client=Recorded(tape, MODEL))
            for source in self._config.tools.sources
        }
        return casting.conversations(self._config, voices, self._prompts, beginning, real)

    def pipeline(self, tape: Tape, more: Check) -> FilterPipeline:
        """What judges the trajectory that *tape* was recorded of, by one rule *more*."""
        return casting.pipeline(self._voices(tape).judges, self._prompts, more=[more])

    def _voices(self, tape: Tape) -> Voices:
        return Voices.of(self._config, lambda settings: Recorded(tape, settings.model))
