"""The prompts of a run: those that come with simkit, or others in their place."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2

from simkit.agents import PROMPTS as AGENT_PROMPTS
from simkit.filters.judges import PROMPTS as FILTER_PROMPTS
from simkit.traces.prompts import PromptSet


class PromptsError(Exception):
    """A folder of prompts cannot be used; one line that says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What the models of a run are told."""

    agents: PromptSet
    filters: PromptSet

    @property
    def hashes(self) -> dict[str, str]:
        """Every prompt to the hash of its file."""
        return {**self.agents.hashes, **self.filters.hashes}


def package_prompts() -> Prompts:
    """The prompts that come with simkit."""
    return Prompts(agents=PromptSet(AGENT_PROMPTS), filters=PromptSet(FILTER_PROMPTS))


def prompts_from(folder: Path) -> Prompts:
    """The prompts in *folder*, and simkit's own where it has none of that name.

    Raises:
        PromptsError: It has no prompt, one with a name that simkit does not know, or one that
            is no template.
    """
    given = sorted(folder.glob("*.j2"))
    if not given:
        raise PromptsError(f"{folder}: there is no prompt; it needs files such as assistant.j2")
    known = {path.name for package in (AGENT_PROMPTS, FILTER_PROMPTS) for path in _of(package)}
    for path in given:
        if path.name not in known:
            raise PromptsError(f"{path}: no prompt has this name; there is {', '.join(known)}")
        _check(path)
    return Prompts(agents=_in_place(AGENT_PROMPTS, given), filters=_in_place(FILTER_PROMPTS, given))


def own_prompts(run: Path) -> Path | None:
    """The folder of the prompts that the run in the folder *run* uses in the place of simkit's;
    None when it has none."""
    folder = run / "prompts"
    return folder if folder.is_dir() else None


def keep_prompts(given: Path, run: Path) -> None:
    """Copy the prompts in *given* to where `own_prompts` finds them.

    Raises:
        OSError: They cannot be copied.
    """
    folder = run / "prompts"
    folder.mkdir(exist_ok=True)
    if folder.samefile(given):
        return
    for path in sorted(given.glob("*.j2")):
        shutil.copyfile(path, folder / path.name)


@contextmanager
def filling_in(folder: Path | None) -> Iterator[None]:
    """Say of a prompt in *folder* that cannot be filled in that it is the prompt's fault."""
    try:
        yield
    except (jinja2.TemplateError, ExceptionGroup) as error:
        found = _template_error(error)
        if folder is None or found is None:
            raise
        raise PromptsError(f"{folder}: a prompt cannot be filled in: {found}") from error


def _template_error(error: Exception) -> Exception | None:
    while isinstance(error, ExceptionGroup):
        inside = error.subgroup(jinja2.TemplateError)
        if inside is None:
            return None
        error = inside.exceptions[0]
    return error


def _of(package: Path) -> list[Path]:
    return sorted(package.glob("*.j2"))


def _check(path: Path) -> None:
    try:
        _prompt_set([path])
    except jinja2.TemplateSyntaxError as error:
        raise PromptsError(f"{path}: line {error.lineno}: {error.message}") from error
    except UnicodeDecodeError as error:
        raise PromptsError(f"{path}: is not UTF-8 text (byte {error.start})") from error


def _in_place(package: Path, given: list[Path]) -> PromptSet:
    """The prompts of *package*, with those of *given* that have the same name put over them."""
    chosen = {path.name: path for path in _of(package)}
    chosen |= {path.name: path for path in given if path.name in chosen}
    return _prompt_set(chosen.values())


def _prompt_set(paths: Iterable[Path]) -> PromptSet:
    with TemporaryDirectory() as folder:  # a prompt set is the files of one folder
        for path in paths:
            shutil.copyfile(path, Path(folder, path.name))
        return PromptSet(Path(folder))
