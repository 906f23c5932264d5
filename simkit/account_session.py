"""What an account has measured, as it is kept with a run."""

from __future__ import annotations

from simkit.config import ProviderConfig
from simkit.limit_options import PER_MINUTE
from simkit.limits import AccountLimiter
from simkit.session import AccountSession


def account_session(
    name: str, model: str, provider: ProviderConfig, limiter: AccountLimiter
) -> AccountSession:
    """What the account behind *limiter* has measured by now.

    Args:
        name: Of the table of *provider*.
    """
    told = {kind: getattr(provider, option) for kind, option in PER_MINUTE.items()}
    record = limiter.record
    return AccountSession(
        provider=name,
        model=model,
        told_per_minute={kind: limit for kind, limit in told.items() if limit is not None},
        per_minute=dict(limiter.per_minute.items()),
        max_in_flight=limiter.max_in_flight,
        peak_in_flight=record.peak_in_flight,
        answered=record.answered,
        refused=dict(record.refused),
        failed=record.failed,
        failed_seconds=record.failed_seconds,
        seconds_waited=dict(limiter.seconds_waited.items()),
    )
