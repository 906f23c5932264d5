"""Gold pairs of RestBench Spotify, from the order of calls in its gold solutions.

A solution says which operations are called, not what passes between them. We read that
from the kinds of things: a parameter that takes an id of some kind is fed by the latest
earlier call of the solution that was made to get things of that kind. What an operation
takes is in its path (``/albums/{id}`` takes an album) or in `_TAKES`; what it gives is in
`_GIVES`, written down from the documentation of the API: the things asked for, and the
artists of tracks and albums, which the solutions rely on. What an operation was itself given
is no gift of it, and the playlists meant are the user's own, which a search does not find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.bench.edges.feeding import Feeding, distinct

_GIVES = {
    "GET /albums/{id}": "artist track",
    "GET /albums/{id}/tracks": "artist track",
    "GET /artists/{id}/albums": "album",
    "GET /artists/{id}/related-artists": "artist",
    "GET /artists/{id}/top-tracks": "track",
    "GET /browse/new-releases": "album artist",
    "GET /me": "user",
    "GET /me/albums": "album artist",
    "GET /me/following": "artist",
    "GET /me/player": "artist track",
    "GET /me/player/currently-playing": "artist track",
    "GET /me/player/queue": "artist track",
    "GET /me/player/recently-played": "artist track",
    "GET /me/playlists": "playlist",
    "GET /me/top/{type}": "artist track",
    "GET /me/tracks": "artist track",
    "GET /playlists/{playlist_id}": "artist track",
    "GET /playlists/{playlist_id}/tracks": "artist track",
    "GET /recommendations": "artist track",
    "GET /search": "album artist track",
    "GET /tracks/{id}": "artist",
    "POST /users/{user_id}/playlists": "playlist",
}
_TAKES = {
    "DELETE /me/albums": {"ids": "album"},
    "DELETE /me/following": {"ids": "artist"},
    "DELETE /me/tracks": {"ids": "track"},
    "DELETE /playlists/{playlist_id}/tracks": {"tracks": "track"},
    "POST /me/player/queue": {"uri": "track"},
    "POST /playlists/{playlist_id}/tracks": {"uris": "track"},
    "PUT /me/albums": {"ids": "album"},
    "PUT /me/following": {"ids": "artist"},
    "PUT /me/player/play": {"context_uri": "album playlist", "uris": "track"},
    "PUT /me/tracks": {"ids": "track"},
}
"""Beside the path; where there are two parameters, one of them is given."""
_IN_PATH = re.compile(r"/(\w+?)s?/\{(\w+)\}")


def feedings(solutions: Iterable[list[str]], names: Mapping[str, str]) -> list[Feeding]:
    """What feeds what in *solutions*, e.g. ``["GET /search", "PUT /me/albums"]``.

    Operations go by *names* (e.g. their ``operationId``), those that have none by
    themselves.
    """
    return distinct(
        [
            Feeding(names.get(consumer, consumer), parameter, names.get(producer, producer))
            for solution in solutions
            for consumer, parameter, producer in _in_solution(solution)
        ]
    )


def operation_names(document: Mapping[str, Any]) -> dict[str, str]:
    """``"GET /me"`` and the like to the ``operationId`` in an OpenAPI *document*."""
    return {
        f"{method.upper()} {path}": operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict) and "operationId" in operation
    }


def _in_solution(solution: list[str]) -> Iterator[tuple[str, str, str]]:
    for position, consumer in enumerate(solution):
        earlier = solution[:position][::-1]
        alternatives = [{parameter: kind} for kind, parameter in _IN_PATH.findall(consumer)]
        for taken in [*alternatives, _TAKES.get(consumer, {})]:
            yield from _fed(consumer, taken, earlier)


def _fed(
    consumer: str, taken: Mapping[str, str], earlier: Iterable[str]
) -> Iterator[tuple[str, str, str]]:
    """The pairs that the first of *earlier* makes which gives anything of what is *taken*."""
    for producer in earlier:
        given = set(_GIVES.get(producer, "").split())
        fed = [name for name, kinds in taken.items() if given.intersection(kinds.split())]
        if fed:
            yield from ((consumer, parameter, producer) for parameter in fed)
            return
