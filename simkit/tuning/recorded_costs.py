"""What a recorded run cost the machine, and how often its calls failed."""

from __future__ import annotations

from collections.abc import Sequence

from simkit.session import Session
from simkit.traces.call_times import CallTable
from simkit.tuning.workload import Failures, Machine, WorkloadCall

# Measured with `simkit generate` on the demo catalog (chains of 2 to 6 functions, judged, lexical
# embedder) against `simkit provider --latency 0.3` in a process of its own, on two cores of a
# small virtual machine, in runs with 4, 60 and 200 conversations at once: 197, 1,414 and 5,633
# calls took 3.2, 6.6 and 13.1 s of CPU time, of all threads; at most 148, 162 and 198 MB of
# memory; and 0.30, 1.64 and 5.76 MB of database. Replies there have 43 tokens on average.
USUAL_CPU_SECONDS_PER_CALL = 0.0018
USUAL_BASE_BYTES = 148_000_000
USUAL_BYTES_PER_CONVERSATION = 256_000
_DISK_BYTES_PER_CALL = 800
_DISK_BYTES_PER_OUTPUT_TOKEN = 6  # some 4 of text, which the trajectory repeats in part

ENOUGH_CONVERSATIONS = 32
"""At once, from which on the memory of one can be told from that of the program."""

_MOST_FAILURES = 0.95
"""Share beyond which a run would hardly have got an answer, whatever was counted."""


def measured_failures(sessions: Sequence[Session], calls: CallTable) -> Failures:
    """What failed otherwise than by a limit.

    Without *sessions* that made calls: the attempts beyond the first, which may have been
    refusals, too.
    """
    accounts = [account for session in sessions for account in session.accounts]
    failed = sum(account.failed for account in accounts)
    answered = sum(account.answered for account in accounts)
    if answered == 0:
        retried = int(calls.attempts.sum()) - len(calls)
        return Failures(share=_share(retried, len(calls)), seconds=())
    seconds = sum(account.failed_seconds for account in accounts)
    return Failures(
        share=_share(failed, answered), seconds=(seconds / failed,) if failed and seconds else ()
    )


def _share(failed: int, answered: int) -> float:
    attempts = failed + answered
    return min(failed / attempts, _MOST_FAILURES) if attempts else 0.0


def tells_memory(session: Session) -> bool:
    """Whether the memory of a conversation can be told from *session*."""
    return session.peak_conversations >= ENOUGH_CONVERSATIONS and session.memory_bytes_before > 0


def measured_machine(
    sessions: Sequence[Session], *, database_bytes: int, conversations: int
) -> Machine:
    """What a call and a conversation cost the machine, the usual where nothing was measured.

    Args:
        database_bytes: Size of the database.
        conversations: That are in it, at least 1.
    """
    calls = sum(session.calls for session in sessions)
    cpu_seconds = sum(session.loop_cpu_seconds for session in sessions)
    widest = max(filter(tells_memory, sessions), key=_conversations, default=None)
    before = [session.memory_bytes_before for session in sessions if session.memory_bytes_before]
    per_conversation = USUAL_BYTES_PER_CONVERSATION
    if widest is not None:
        grown = widest.memory_bytes_peak - widest.memory_bytes_before
        per_conversation = max(0, grown) // widest.peak_conversations
    return Machine(
        cpu_seconds_per_call=cpu_seconds / calls if calls else USUAL_CPU_SECONDS_PER_CALL,
        base_bytes=min(before, default=USUAL_BASE_BYTES),
        bytes_per_conversation=per_conversation,
        disk_bytes_per_conversation=database_bytes // conversations,
    )


def usual_disk_bytes(call: WorkloadCall) -> int:
    """What *call*, and its part of the conversation, takes up in the database."""
    return _DISK_BYTES_PER_CALL + _DISK_BYTES_PER_OUTPUT_TOKEN * call.output_tokens


def _conversations(session: Session) -> int:
    return session.peak_conversations
