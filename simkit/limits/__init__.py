"""How fast an account may be asked: what is told, what is learned, and whose turn it is."""

from simkit.limits.limiter import AccountLimiter, Limit
from simkit.limits.reservation import Reservation

__all__ = ["AccountLimiter", "Limit", "Reservation"]
