"""The HTTP session that all clients of a run share."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from simkit.traces.version import __version__


def open_session(*, max_connections: int, connect_seconds: float = 10) -> aiohttp.ClientSession:
    """A session for up to *max_connections* calls in flight, over all hosts.

    Use it with ``async with``, inside a running event loop. Make *max_connections* the sum
    of what the limiters let through: a call that waits for a connection has left its queue,
    and its time-out is running.

    It has no time-out of its own except for connecting; calls bring theirs, which count
    before it. It keeps no cookies, so calls share nothing but connections.
    """
    connector = aiohttp.TCPConnector(
        limit=max_connections,
        limit_per_host=0,  # usually there is one host, and aiohttp's default pool is 100
        keepalive_timeout=60,  # conversations pause while tools and users answer
        ttl_dns_cache=300,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"simkit/{__version__}"},
        # aiohttp's own look at the environment also reads ~/.netrc, in a thread and for each
        # call, and fails when that has a password for a host that we send a key to. Clients
        # ask `environment_proxy` instead, once.
        trust_env=False,
    )


def environment_proxy(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY ask for, for calls to *url*.

    None when there is none, for this machine itself, and for what is no address (the call
    will say so).
    """
    try:
        target = URL(url)
    except ValueError:
        return None
    if target.host is None or _is_loopback(target.host) or proxy_bypass(target.host):
        return None
    return getproxies().get(target.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
