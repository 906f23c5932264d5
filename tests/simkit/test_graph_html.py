"""The page of a graph: whole in itself, safe whatever catalogs wrote, and alive in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from simkit.graph.edge_rules import PapersRule
from simkit.graph.function_graph import FunctionGraph, GraphError
from simkit.graph.lexical import Lexical
from simkit.graph_html import graph_page, write_page
from simkit.traces.functions import Function
from tests.simkit.page_tags import Tags

Build = Callable[..., Function]
HOSTILE = (
    "</script><script>document.title='pwned'</script><!-- \" ' & \x00 \u2028 \u202e {{ 7 * 7 }}"
)


@pytest.fixture
def graph(a_function: Build) -> FunctionGraph:
    """A sensor feeds an archive; both are described by somebody who wants to break the page."""

    def described(name: str, text: str) -> dict[str, object]:
        return {"type": "object", "properties": {name: {"type": "string", "description": text}}}

    return FunctionGraph.build(
        [
            a_function(
                "read_sensor",
                description=HOSTILE,
                domain=HOSTILE,
                original_name=HOSTILE,
                source=HOSTILE,
                parameters=described("place", "Where it hangs."),
                outputs=described("reading<b>", "Number of the reading."),
            ),
            a_function(
                "keep_reading",
                description="Keep a reading for good.",
                parameters=described("number<i>", "Number of the reading."),
                outputs=described("done", "Whether it worked."),
            ),
            a_function("alone", parameters=described("zeal", "Zeal."), outputs=None),
        ],
        Lexical(),
        rule=PapersRule(),
    )


def test_no_text_of_a_catalog_leaves_the_data_of_the_page(graph: FunctionGraph) -> None:
    page = graph_page(graph, HOSTILE).decode()
    tags = Tags()
    tags.feed(page)
    data, program = tags.scripts
    assert page.count("<script") == 2
    assert "pwned" not in program
    assert not {"<", ">", "&", "\x00"}.intersection(data)
    read = orjson.loads(data)
    assert read["descriptions"][0].startswith("</script><script>document.title='pwned'")
    assert "\u202e" not in read["descriptions"][0]
    assert "{{ 7 * 7 }}" in read["descriptions"][0]


def test_the_page_asks_nothing_of_any_network(graph: FunctionGraph) -> None:
    page = graph_page(graph, "graph.gz").decode()
    tags = Tags()
    tags.feed(page)
    assert tags.addresses == []
    assert "default-src 'none'" in page
    assert re.search(r"https?:|@import|url\(|fetch\(", page) is None


def test_long_descriptions_are_cut(a_function: Build) -> None:
    graph = FunctionGraph.build([a_function(description="long " * 200_000)], Lexical())
    assert len(graph_page(graph, "graph.gz")) < 60_000


def test_the_same_graph_gives_the_same_page(graph: FunctionGraph) -> None:
    assert graph_page(graph, "graph.gz") == graph_page(FunctionGraph(graph.stored), "graph.gz")


def test_a_page_that_cannot_be_written_is_named(graph: FunctionGraph, tmp_path: Path) -> None:
    (tmp_path / "graph.html").mkdir()
    with pytest.raises(GraphError, match=r"cannot be written to .*graph\.html"):
        write_page(graph, "graph.gz", tmp_path / "graph.html")


@pytest.fixture(scope="module")
def browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip("needs a Chromium to open the page in")
    return found


def opened(browser: str, page: Path, place: str, profile: Path) -> str:
    """The page's elements as a browser leaves them after its script ran."""
    done = subprocess.run(
        [
            *(browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *(f"--user-data-dir={profile}", "--virtual-time-budget=3000", "--window-size=1200,800"),
            page.as_uri() + place,
        ],
        capture_output=True,
        timeout=60,
        check=True,
    )
    return done.stdout.decode()


def test_a_browser_shows_the_graph_and_a_function_that_the_address_names(
    graph: FunctionGraph, browser: str, tmp_path: Path
) -> None:
    page = tmp_path / "graph.html"
    write_page(graph, HOSTILE, page)

    whole = opened(browser, page, "", tmp_path / "profile")
    assert "<h2>The whole graph</h2>" in whole
    assert "<title>pwned</title>" not in whole
    assert whole.count('data-community="') == 1
    assert re.search(r'<canvas [^>]*width="[1-9]\d\d', whole)

    one = opened(browser, page, f"#{quote('read_sensor')}", tmp_path / "profile")
    assert "<h2>read_sensor</h2>" in one
    assert "reading&lt;b&gt; → number&lt;i&gt;" in one
    assert "feeds 1 functions, fed by 0." in one
    assert "<title>pwned</title>" not in one
