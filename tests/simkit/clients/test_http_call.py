"""Calls over real sockets to servers that hang, dribble, flood and point elsewhere."""

from __future__ import annotations

import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

import anyio
import anyio.abc
import pytest
from aiohttp import web

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_call import MAX_REPLY_BYTES, MAX_STREAM_BYTES, HttpCalls
from simkit.clients.http_session import open_session
from simkit.traces.provider_errors import ProviderUnavailable, Unreachable, UnusableReply

from .conftest import API_KEY, Listen

Talk = Callable[[anyio.abc.SocketStream], Awaitable[None]]
Connect = Callable[..., HttpCalls]
Serve = Callable[[Talk], Awaitable[str]]

OK = b"HTTP/1.1 200 OK\r\n"
MEBIBYTE = b" " * 2**20


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Build calls to a base URL; they share a session that ends with the test."""
    async with open_session(max_connections=10) as session:

        def build(base_url: str, **seconds: float) -> HttpCalls:
            endpoint = Endpoint(
                base_url=base_url, model="m", api_key=API_KEY, extra_headers={}, key_hint=None
            )
            limits = {"connect_seconds": 5.0, "first_byte_seconds": 5.0, "total_seconds": 20.0}
            return HttpCalls(session, endpoint, path="/chat", **(limits | seconds))

        yield build


@pytest.fixture
async def talk() -> AsyncIterator[Serve]:
    """Start a server that reads a request, then does as told; gives its base URL."""
    async with AsyncExitStack() as listeners, anyio.create_task_group() as tasks:

        async def start(answer: Talk) -> str:
            async def handle(stream: anyio.abc.SocketStream) -> None:
                async with stream:
                    await stream.receive()
                    with suppress(anyio.BrokenResourceError):  # the client has left
                        await answer(stream)

            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            listeners.push_async_callback(listener.aclose)
            tasks.start_soon(listener.serve, handle)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            return f"http://127.0.0.1:{port}/v1"

        yield start
        tasks.cancel_scope.cancel()


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


async def test_a_connection_that_does_not_come_about_is_given_up(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = []
        for _ in range(4):  # nobody accepts; once the queue is full, the kernel says nothing
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(address)
        calls = connect(f"http://127.0.0.1:{address[1]}/v1", connect_seconds=0.2)
        with pytest.raises(ProviderUnavailable, match=r"connect_seconds = 0\.2"):
            await calls.post(b"{}")
        for it in waiting:
            it.close()


@pytest.mark.parametrize(
    "beginning", [b"", OK, OK + b"Content-Length: 9\r\n\r\n", OK + b"Content-Length: 9\r\n\r\n{"]
)
@pytest.mark.parametrize("name", ["first_byte_seconds", "total_seconds"])
async def test_a_silent_server_is_given_up_and_the_error_names_the_limit(
    talk: Serve, connect: Connect, beginning: bytes, name: str
) -> None:
    async def answer(stream: anyio.abc.SocketStream) -> None:
        if beginning:
            await stream.send(beginning)
        await anyio.sleep_forever()

    calls = connect(await talk(answer), **{name: 0.1})
    with pytest.raises(ProviderUnavailable, match=rf"\({name} = 0\.1\)"):
        await calls.post(b"{}")


@pytest.mark.parametrize(
    "beginning",
    [OK + b"X-Slow: ", OK + b"\r\n", OK + b"Content-Type: text/event-stream\r\n\r\n: "],
)
async def test_a_server_that_dribbles_forever_is_ended_by_the_total(
    talk: Serve, connect: Connect, beginning: bytes
) -> None:
    async def answer(stream: anyio.abc.SocketStream) -> None:
        await stream.send(beginning)
        while True:
            await stream.send(b".")
            await anyio.sleep(0.02)

    calls = connect(await talk(answer), first_byte_seconds=0.3, total_seconds=0.5)
    with pytest.raises(ProviderUnavailable, match=r"total_seconds = 0\.5"):
        await calls.stream(b"{}", lambda event: None)


async def test_a_huge_reply_is_read_no_further_than_its_bound(
    talk: Serve, connect: Connect
) -> None:
    sent = 0

    async def answer(stream: anyio.abc.SocketStream) -> None:
        nonlocal sent
        await stream.send(OK + b"Content-Length: %d\r\n\r\n" % (500 * 2**20))
        for _ in range(500):
            await stream.send(MEBIBYTE)
            sent += len(MEBIBYTE)

    calls = connect(await talk(answer))
    with little_memory(), pytest.raises(UnusableReply, match="more than 33554432 bytes"):
        await calls.post(b"{}")
    assert sent < 2 * MAX_REPLY_BYTES


@pytest.mark.parametrize("status", [b"200 OK", b"500 Oops"])
async def test_a_reply_that_unpacks_to_ten_gigabytes_is_unpacked_no_further_than_its_bound(
    talk: Serve, connect: Connect, status: bytes
) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    header = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    block = b"".join(packer.compress(MEBIBYTE) for _ in range(64))
    block += packer.flush(zlib.Z_FULL_FLUSH)  # what follows does not look back: it can repeat

    async def answer(stream: anyio.abc.SocketStream) -> None:
        size = len(header) + 160 * len(block)
        await stream.send(
            b"HTTP/1.1 %b\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (status, size)
        )
        await stream.send(header + 160 * block)

    calls = connect(await talk(answer))
    with little_memory(), pytest.raises((UnusableReply, ProviderUnavailable)) as caught:
        await calls.post(b"{}")
    assert ("more than 33554432 bytes" if status[:1] == b"2" else "HTTP 500") in str(caught.value)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip"])
async def test_a_body_packed_in_a_way_that_was_not_asked_for_is_no_crash(
    listen: Listen, connect: Connect, encoding: str
) -> None:
    asked: list[str | None] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Accept-Encoding"))
        return web.Response(body=b"\x1b\x00\xff" * 9, headers={"Content-Encoding": encoding})

    calls = connect(await listen(handle))
    if encoding == "compress":  # unknown to aiohttp: the body stays as it is, and is no JSON
        assert (await calls.post(b"{}")).body == b"\x1b\x00\xff" * 9
    else:
        with pytest.raises(UnusableReply):
            await calls.post(b"{}")
    assert asked == ["gzip, deflate"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_never_sees_the_key(
    listen: Listen, connect: Connect, status: int
) -> None:
    visitors: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        visitors.append(request.path)
        return web.Response()

    target = await listen(elsewhere)

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{target}/chat"})

    calls = connect(await listen(handle))
    with pytest.raises(Unreachable, match="Redirects are not followed"):
        await calls.post(b"{}")
    with pytest.raises(Unreachable, match="Redirects are not followed"):
        await calls.check()
    assert visitors == []


async def test_a_stream_without_end_is_read_no_further_than_its_bound(
    talk: Serve, connect: Connect
) -> None:
    sent = 0

    async def answer(stream: anyio.abc.SocketStream) -> None:
        nonlocal sent
        await stream.send(OK + b"Content-Type: text/event-stream\r\n\r\n")
        while sent < 2 * MAX_STREAM_BYTES:
            await stream.send(b": " + MEBIBYTE + b"\ndata: 1\n\n")
            sent += 2**20

    calls = connect(await talk(answer))
    with little_memory(), pytest.raises(UnusableReply, match=f"more than {MAX_STREAM_BYTES}"):
        await calls.stream(b"{}", lambda event: None)


async def test_one_event_without_end_is_read_no_further_than_its_bound(
    talk: Serve, connect: Connect
) -> None:
    async def answer(stream: anyio.abc.SocketStream) -> None:
        await stream.send(OK + b"Content-Type: text/event-stream\r\n\r\ndata: ")
        while True:
            await stream.send(MEBIBYTE)

    calls = connect(await talk(answer))
    with little_memory(), pytest.raises(UnusableReply, match=f"more than {MAX_REPLY_BYTES}"):
        await calls.stream(b"{}", lambda event: None)


async def test_a_cancelled_call_closes_its_connection(talk: Serve, connect: Connect) -> None:
    arrived, closed = anyio.Event(), anyio.Event()

    async def answer(stream: anyio.abc.SocketStream) -> None:
        arrived.set()
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
        closed.set()

    calls = connect(await talk(answer))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(calls.post, b"{}")
        await arrived.wait()
        tasks.cancel_scope.cancel()
    with anyio.fail_after(60):
        await closed.wait()
