"""How asking a provider may fail.

::

    ProviderError
    |-- Retryable            worth another try
    |   |-- RateLimited          HTTP 429: we asked too fast
    |   |-- ProviderUnavailable  timeout, 5xx, lost connection
    |   `-- UnusableReply        the transport delivered something that is no reply
    |-- Refused              another try cannot help; the conversation fails, the run goes on
    |   |-- RequestRefused       HTTP 400 and the like: our request is wrong
    |   |-- ContentRefused       the provider's content filter
    |   `-- BudgetSpent          the run's own budget is used up; nothing was asked
    `-- AccountProblem       no call can succeed until a person acts; the run stops
        |-- KeyRefused           HTTP 401, 403
        |-- ModelUnknown         HTTP 404
        |-- Unreachable          nothing answers at the address
        |-- StoppedAnswering     no call has succeeded for long, whatever is tried
        `-- BalanceExhausted     out of credit, not a rate limit
"""

from __future__ import annotations

from simkit.traces.calls import Allowance, LimitKind


class ProviderError(Exception):
    """A provider did not give a reply; the message says what happened and what to change."""

    cause = "provider_error"
    """Machine-readable; becomes the cause of a failed trajectory."""

    allowances: tuple[Allowance, ...] = ()
    """Limits that the failing answer told of."""


class Retryable(ProviderError):
    """Worth another try."""

    cause = "provider_retryable"

    queued_seconds = 0.0
    """How long the attempt had waited for the limits before it failed."""


class RateLimited(Retryable):
    """HTTP 429: the provider says that we ask too fast, or that a quota is used up until later.

    An account that is out of credit is `BalanceExhausted`.
    """

    cause = "rate_limited"

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        limit: LimitKind | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        """What the provider asked for, or None when it gave no hint."""
        self.limit = limit
        """Which limit was exceeded, or None when it did not say."""


class ProviderUnavailable(Retryable):
    """A timeout, a 5xx answer or a lost connection."""

    cause = "provider_unavailable"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnusableReply(Retryable):
    """Something arrived that is no reply: HTML, cut JSON, no choices, a null message."""

    cause = "unusable_reply"


class Refused(ProviderError):
    """Another try with the same request cannot help."""

    cause = "refused"


class RequestRefused(Refused):
    """The provider says that the request itself is wrong."""

    cause = "request_refused"


class ContentRefused(Refused):
    """The provider's content filter stopped the request or the reply."""

    cause = "content_refused"


class BudgetSpent(Refused):
    """The run's budget is used up, so the provider was not asked."""

    cause = "budget_spent"


class AccountProblem(ProviderError):
    """No call can succeed until a person acts; the run stops and keeps everything."""

    cause = "account_problem"


class KeyRefused(AccountProblem):
    """The API key is missing, wrong, or not allowed to do this."""

    cause = "key_refused"


class ModelUnknown(AccountProblem):
    """The provider does not have the model."""

    cause = "model_unknown"


class Unreachable(AccountProblem):
    """Nothing that speaks the API answers at the address."""

    cause = "unreachable"


class StoppedAnswering(AccountProblem):
    """Calls fail one after another, whatever is tried, for longer than an outage lasts."""

    cause = "stopped_answering"


class BalanceExhausted(AccountProblem):
    """The account is out of credit; waiting a minute will not help."""

    cause = "balance_exhausted"
