"""Arguments as the function's schema wants them."""

from __future__ import annotations

from collections.abc import Iterator

from simkit.filters.filter import Objection
from simkit.traces.arguments import argument_problem
from simkit.traces.functions import Function
from simkit.traces.one_line import one_line
from simkit.traces.records import ToolCall, Trajectory


class SchemaValidArguments:
    """A turn with a call whose arguments do not fit the function's schema is masked.

    The rule is the tool agent's own, `argument_problem`, so what it accepted is not
    masked here and what it refused is, whoever played the tool. Calls to unknown functions
    are `KnownFunction`'s business.
    """

    name = "schema_valid_arguments"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        offered = {tool.name: tool for tool in trajectory.scenario.tools}
        for index, message in enumerate(trajectory.messages):
            if message.role != "assistant":
                continue
            for call in message.tool_calls:
                function = offered.get(call.name)
                fault = None if function is None else _fault(function, call)
                if fault is not None:
                    yield Objection(
                        check=self.name,
                        message=one_line(f"message {index} calls {call.name!r}: {fault}"),
                        turn=index,
                    )


def _fault(function: Function, call: ToolCall) -> str | None:
    try:
        problem = argument_problem(function, call.parsed_arguments())
    except ValueError as error:
        return str(error)
    except RecursionError:
        # A schema that contains itself is walked as deep as a model cares to write.
        return "the arguments are nested too deeply to be checked"
    return None if problem is None else problem.message
