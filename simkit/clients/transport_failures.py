"""What it means when a call breaks before there is an HTTP answer, or within it."""

from __future__ import annotations

import aiohttp

from simkit.clients.endpoint import Endpoint
from simkit.traces.provider_errors import (
    ProviderError,
    ProviderUnavailable,
    Unreachable,
    UnusableReply,
)

TransportError = (aiohttp.ClientError, OSError)
"""What aiohttp raises, time-outs included; for ``except``."""

CHECK_ADVICE = "Check the base URL, and that the provider runs and can be reached from here."

_NO_ADDRESS = (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)


def transport_failure(
    error: Exception, endpoint: Endpoint, timeout: aiohttp.ClientTimeout
) -> ProviderError:
    """The error of the contract for one of `TransportError`."""
    who, words = endpoint.who, told(error, endpoint)
    if isinstance(error, _NO_ADDRESS):
        return Unreachable(f"{who}: that is no address. Check the base URL.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Unreachable(f"{who} shows a certificate that is not trusted: {words}")
    if isinstance(error, TimeoutError):
        return ProviderUnavailable(f"{who} {_timed_out(error, timeout)}")
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        return UnusableReply(f"{who} sent a reply that breaks off or is not HTTP: {words}")
    # Also when nobody listens: a provider that restarts is back in a moment, and one
    # that never was there is found by a check before the run.
    return ProviderUnavailable(f"no connection to {who}: {words}")


def _timed_out(error: TimeoutError, timeout: aiohttp.ClientTimeout) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"took no connection in time (connect_seconds = {timeout.sock_connect:g})"
    if isinstance(error, aiohttp.SocketTimeoutError):
        return f"was silent for too long (first_byte_seconds = {timeout.sock_read:g})"
    return f"gave no whole reply in time (total_seconds = {timeout.total:g})"


def told(error: Exception, endpoint: Endpoint) -> str:
    """The error in words; its own text may quote an address with a password in it."""
    if isinstance(error, _NO_ADDRESS):
        return "that is no address"
    return endpoint.quote(f"{error}") or type(error).__name__
