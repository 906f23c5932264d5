"""The file of replies: what survives, what is refused, who may write."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from simkit.clients.raw_chat import RawRequest
from simkit.complete.reply_file import ReplyFileError, open_replies
from simkit.complete.request_line import DamagedLine, RequestLine
from simkit.traces.provider_errors import ProviderUnavailable


def request(line: int, text: str = "hi") -> RequestLine:
    body = json.dumps({"n": line, "text": text}).encode()
    return RequestLine(line=line, custom_id=None, request=RawRequest(number=line, body=body))


def filled(path: Path, *lines: int) -> bytes:
    """Put answers for *lines* into *path*; gives its bytes."""
    with open_replies(path) as replies:
        for line in lines:
            replies.add_answer(request(line), b'{"choices":[]}')
    return path.read_bytes()


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["line"] for line in path.read_text().splitlines()]


def test_answers_are_found_again_and_keep_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    before = filled(path, 3, 1)
    with open_replies(path) as replies:
        assert (replies.answered, replies.last_answered) == (2, 3)
        assert [replies.is_answered(request(line)) for line in (1, 2, 3, 4)] == [1, 0, 1, 0]
        replies.forget_failures()
    assert path.read_bytes() == before


def test_a_reply_over_several_lines_becomes_one_with_its_other_bytes_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    reply = b'\r\n{"a":\r\n 123456789012345678901234567890, "b": "x\\ny"}\n'
    with open_replies(path) as replies:
        replies.add_answer(request(1), reply)
    text = path.read_bytes()

    assert text.count(b"\n") == 1
    assert b"123456789012345678901234567890" in text
    assert json.loads(text)["response"] == json.loads(reply)
    assert list(json.loads(text)) == ["line", "custom_id", "request", "response", "error"]


def test_failures_are_forgotten_and_answers_are_not(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    filled(path, 1)
    with open_replies(path) as replies:
        replies.add_error(request(2), ProviderUnavailable("two\nlines"))
        replies.add_error(DamagedLine(line=3, custom_id="c", reason="not JSON"))
        replies.add_answer(request(4), b"{}")
    error = json.loads(path.read_text().splitlines()[1])
    with open_replies(path) as replies:
        replies.forget_failures()
        replies.add_answer(request(2), b"{}")

    assert error["error"] == {"cause": "provider_unavailable", "message": "two lines"}
    assert numbers(path) == [1, 4, 2]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("cut", [1, 5, 20, 60])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "out.jsonl"
    whole = filled(path, 1, 2)
    torn = whole.splitlines(keepends=True)[0][:-cut]
    path.write_bytes(whole + torn)
    with open_replies(path) as replies:
        assert replies.answered == 2
        replies.forget_failures()

    assert path.read_bytes() == whole


def test_zeros_where_the_power_went_are_cut_out(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = filled(path, 1, 2)
    first, second = whole.splitlines(keepends=True)
    path.write_bytes(first + b"\0" * 40 + first[40:] + second + b"\0" * 4096)
    with open_replies(path) as replies:
        replies.forget_failures()

    assert path.read_bytes() == whole


def test_an_answer_that_is_there_twice_stays_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = filled(path, 1)
    path.write_bytes(whole + whole)
    with open_replies(path) as replies:
        assert replies.answered == 1
        replies.forget_failures()

    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "foreign",
    [
        b'{"custom_id": "a", "messages": []}\n',
        b"years of work",
        b"[]\n",
        b'{"line": 0, "request": null, "response": null}\n',
        b'{"line": 1, "request": "x", "response": {}}\n',
    ],
)
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "thesis.jsonl"
    path.write_bytes(foreign)
    with pytest.raises(ReplyFileError, match=r"line 1: .*choose another --out"), open_replies(path):
        pass

    assert path.read_bytes() == foreign


def test_answers_to_other_requests_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    filled(path, 1, 2)
    with open_replies(path) as replies:
        replies.check([request(1), request(2), request(3)])
        for others in (
            [request(1), request(2, "changed")],
            [request(1)],
            [request(1), DamagedLine(line=2, custom_id=None, reason="not JSON")],
        ):
            with pytest.raises(ReplyFileError, match="line 2"):
                replies.check(others)


def test_one_process_at_a_time_also_after_the_file_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with open_replies(path) as replies:
        replies.add_error(request(1), ProviderUnavailable("x"))
    with open_replies(path) as replies:
        for _ in range(2):
            with pytest.raises(ReplyFileError, match="another process"), open_replies(path):
                pass
            replies.forget_failures()
            replies.add_answer(request(2), b"{}")
    with open_replies(path) as replies:
        assert replies.answered == 1


def test_a_file_that_was_begun_for_nothing_is_removed(tmp_path: Path) -> None:
    new, old = tmp_path / "new.jsonl", tmp_path / "old.jsonl"
    old.touch()
    for path in (new, old):
        with pytest.raises(RuntimeError), open_replies(path):
            raise RuntimeError

    assert [entry.name for entry in tmp_path.iterdir()] == ["old.jsonl"]


def test_a_full_disk_leaves_no_torn_line_and_names_the_file(tmp_path: Path) -> None:
    """
    Others whose answers come in the same moment write after it.
    """
    path = tmp_path / "out.jsonl"
    whole = filled(path, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_replies(path) as replies:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, before[1]))
        try:
            with pytest.raises(OSError, match=r"out\.jsonl"):
                replies.add_answer(request(2), b"{}")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert path.read_bytes() == whole
        replies.add_answer(request(3), b"{}")

    assert numbers(path) == [1, 3]
