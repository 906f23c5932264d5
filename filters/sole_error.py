"""Errors of task groups, told as the one error they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from simkit.traces.provider_errors import AccountProblem


@contextmanager
def sole_error_raised() -> Iterator[None]:
    """Raise the only error of an `ExceptionGroup` by itself; groups of several pass as they are.

    Several `AccountProblem` count as one, and the first is raised: tasks that call the
    same account at the same time learn the same thing.
    """
    try:
        yield
    except ExceptionGroup as group:
        errors = list(_leaves(group))
        if len(errors) > 1 and not all(isinstance(error, AccountProblem) for error in errors):
            raise
        raise errors[0] from errors[0].__cause__


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
