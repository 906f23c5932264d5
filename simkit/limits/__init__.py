"""How fast an account may be asked: buckets, the queue in front of them, the cool-down."""

from simkit.limits.limiter import AccountLimiter, Limit, Reservation

__all__ = ["AccountLimiter", "Limit", "Reservation"]
