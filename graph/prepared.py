"""A catalog as rules for edges look at it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from simkit.graph.embed import Embedder
from simkit.graph.evidence import Evidence
from simkit.graph.known_parameters import KnownParameters
from simkit.graph.parameters import Parameter, inputs_of, outputs_of
from simkit.graph.prepared_folder import PreparedFolder
from simkit.graph.stored_edges import Places, places_of
from simkit.traces.functions import Function


class Prepared:
    """Functions, their parameters, and the evidence of what feeds what when it is asked for.

    Args:
        folder: Where what is known of functions may be found, and is left. The same comes
            out without, in more time.
        first_new: Functions from this index on are new; 0 when all are.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        embedder: Embedder,
        *,
        folder: PreparedFolder | None = None,
        first_new: int = 0,
    ) -> None:
        self.functions = functions
        self.embedder = embedder
        self._folder = folder
        old = functions[: first_new or None]
        self._known = folder.read(old, embedder) if folder else None
        self.outputs: Sequence[Parameter]
        """Grouped by function, functions ascending."""
        self.inputs: Sequence[Parameter]
        """Likewise."""
        if self._known is None:
            self.outputs, self.inputs = outputs_of(functions), inputs_of(functions)
        else:
            facts = self._known.facts
            self.outputs = KnownParameters(functions, outputs_of, facts.outputs.function, len(old))
            self.inputs = KnownParameters(functions, inputs_of, facts.inputs.function, len(old))

    @cached_property
    def evidence(self) -> Evidence:
        """Of all pairs of an output and an input; takes a while, mostly to embed new texts."""
        evidence = Evidence(self.functions, self.outputs, self.inputs, self.embedder, self._known)
        if self._folder is not None and evidence.known is not self._known:
            self._folder.keep(self.functions, self.embedder, evidence.known)
        self._known = evidence.known
        return evidence

    def places(self) -> tuple[Places, Places]:
        """Where the outputs are, and where the inputs."""
        if self._known is None or len(self._known.facts.functions) < len(self.functions):
            return places_of(self.outputs), places_of(self.inputs)
        facts = self._known.facts
        return (
            Places(facts.outputs.function, facts.outputs.path, facts.paths),
            Places(facts.inputs.function, facts.inputs.path, facts.paths),
        )
