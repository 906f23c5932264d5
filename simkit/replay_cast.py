"""Who plays and who judges in a replay: the models of the run, repeating what they said."""

from __future__ import annotations

from simkit import casting
from simkit.agents.beginning import Beginning
from simkit.agents.conversation import Conversations
from simkit.clients.recorded import Recorded, Tape
from simkit.config import RunConfig
from simkit.filters.pipeline import FilterPipeline
from simkit.prompts import Prompts
from simkit.traces.calls import AgentRole
from simkit.traces.voice import Voice


class ReplayCast:
    """The stages of a run with *config*, for one tape after the other."""

    def __init__(self, config: RunConfig, prompts: Prompts) -> None:
        self._config = config
        self._prompts = prompts
        self._settings = {role: config.role(role) for role in config.roles_in_use}

    def conversations(self, tape: Tape, beginning: Beginning | None) -> Conversations:
        """What plays the scenario that *tape* was recorded of, from *beginning* if it has one."""
        voices = self._voices(tape)
        return casting.conversations(self._config, voices, self._prompts, beginning)

    def pipeline(self, tape: Tape) -> FilterPipeline:
        """What judges the trajectory that *tape* was recorded of."""
        return casting.pipeline(self._voices(tape), self._prompts)

    def _voices(self, tape: Tape) -> dict[AgentRole, Voice]:
        return {
            role: Voice(
                role=role,
                client=Recorded(tape, settings.model),
                temperature=settings.temperature,
                max_output_tokens=settings.max_output_tokens,
            )
            for role, settings in self._settings.items()
        }
