"""The answer to a request that is wrong."""

from __future__ import annotations

from typing import Any


class InvalidRequest(Exception):
    """A request that a hosted API would not take.

    Args:
        param: Where the fault is, e.g. ``messages[2].content``; None for the whole request.
        problem: What is wrong there, or the whole sentence when there is no *param*.
        status: HTTP status of the answer.
        code: Machine-readable name of the fault, where the API has one.
    """

    def __init__(
        self, param: str | None, problem: str, *, status: int = 400, code: str | None = None
    ) -> None:
        super().__init__(f"Invalid '{param}': {problem}" if param else problem)
        self.param = param
        self.status = status
        self.code = code

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return error_json(str(self), "invalid_request_error", param=self.param, code=self.code)


def error_json(
    message: str, kind: str, *, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """An error as OpenAI-compatible APIs word it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def shown(value: object) -> str:
    """A short rendering of something that came in."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
