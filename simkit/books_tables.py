"""Closed books as tables, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from simkit.bookkeeping import Bookkeeping, Cause, Sum
from simkit.rendering import plain_text

_MOST_CAUSES = 10


def books_tables(books: Bookkeeping) -> list[Table]:
    """What became of the conversations and what they have cost, by account, cause and stage."""
    return [_accounts(books), _causes(books), _stages(books)]


def _accounts(books: Bookkeeping) -> Table:
    table = _table("conversations", "", "calls", "tokens", _money_column(books))
    total = books.total()
    for account, added in books.by_account().items():
        if added.conversations:
            table.add_row(_words(account), *_row(added, total, books))
    table.add_row("together", *_row(total, total, books), style="bold")
    if books.not_begun > 0:
        table.add_row("not begun", f"{books.not_begun:,}")
    return table


def _causes(books: Bookkeeping) -> Table:
    """The dearest causes for which a conversation is not kept, and the tokens that judging took
    of all."""
    money = _money_column(books)
    table = _table("not kept, by first reason", "", "calls", "tokens", money, "judging")
    total = books.total()
    lost = [(cause, added) for cause, added in books.by_cause().items() if cause[0] != "kept"]
    for cause, added in lost[:_MOST_CAUSES]:
        table.add_row(_cause(cause), *_row(added, total, books), f"{added.judging_tokens:,}")
    if (more := len(lost) - _MOST_CAUSES) > 0:
        table.add_row(f"{more} more causes; --json has them")
    return table


def _stages(books: Bookkeeping) -> Table:
    table = _table("spent on", "for kept", "calls", "tokens", _money_column(books))
    for stage, added in books.by_stage().items():
        kept = books.kept_tokens(stage)
        share = f"{kept / added.tokens:.1%}" if added.tokens else ""
        table.add_row(_words(stage), "", share, *_spent(added, books))
    if books.currency is not None and books.unpriced:
        table.add_row(_words(f"without a price: {', '.join(books.unpriced)}"))
    return table


def _row(added: Sum, total: Sum, books: Bookkeeping) -> list[str]:
    number, whole = added.conversations or 0, total.conversations or 0
    share = f"{number / whole:.1%}" if whole else ""
    return [f"{number:,}", share, *_spent(added, books)]


def _spent(added: Sum, books: Bookkeeping) -> list[str]:
    figures = [f"{added.calls:,}", f"{added.tokens:,}"]
    if books.currency is not None:
        figures.append("unknown" if added.money is None else _money(added.money))
    return figures


def _money(amount: float) -> str:
    # What a try-out costs is often less than a cent.
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.4f}"


def _money_column(books: Bookkeeping) -> str:
    return books.currency or ""


def _cause(cause: Cause) -> Text:
    account, name = cause
    return _words(account if name is None else f"{account}: {name}")


def _words(name: str) -> Text:
    return Text(plain_text(name.replace("in_flight", "in flight")))


def _table(title: str, share: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    table.add_column(Text(title, style="bold"), min_width=22, overflow="fold")
    table.add_column("", justify="right", min_width=6, no_wrap=True)
    table.add_column(share, justify="right", min_width=7, no_wrap=True)
    for column in filter(None, columns):
        table.add_column(column, justify="right", min_width=9, no_wrap=True)
    return table


def books_json(books: Bookkeeping) -> dict[str, Any]:
    """All of the books; money is null where a model has no price."""
    return {
        "total": _sum_json(books.total()),
        "accounts": {name: _sum_json(added) for name, added in books.by_account().items()},
        "stages": {name: _sum_json(added) for name, added in books.by_stage().items()},
        "causes": [
            {"account": account, "cause": cause, **_sum_json(added)}
            for (account, cause), added in books.by_cause().items()
        ],
        "entries": list(_entries_json(books)),
        "not_begun": books.not_begun,
        "currency": books.currency,
        "unpriced": books.unpriced,
    }


def _sum_json(added: Sum) -> dict[str, Any]:
    figures = asdict(added)
    if added.conversations is None:
        del figures["conversations"]
    return figures


def _entries_json(books: Bookkeeping) -> Iterator[dict[str, Any]]:
    for entry, money in books.entries():
        figures = asdict(entry)
        usage = figures.pop("usage")
        yield {**figures, **usage, "money": money}
