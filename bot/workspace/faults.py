"""What may go wrong between the bot and Slack, injected on purpose. Each fault has a number of times."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """On a call of the Web API (`method`, "response_url", "upload" or "*"), unless said otherwise."""

    DROP_ANSWER = "drop_answer"  # the call is carried out, then the connection ends without an answer
    RESET = "reset"  # the connection ends before anything was done
    DELAY = "delay"  # carried out after `seconds`
    RATE_LIMIT = "rate_limit"  # 429 with Retry-After: `seconds`
    STATUS = "status"  # answered with the HTTP status `status`, and `body` of `content_type`
    REFUSE = "refuse"  # answered with {"ok": false, "error": `error`}
    TWICE = "twice"  # on deliveries (`method`: events_api, slash_commands, interactive): the same one again
    NEVER = "never"  # on deliveries: it gets lost on the way, retries of an event too
    DEAF = "deaf"  # on deliveries: the bot's acknowledgement gets lost
    STALE = "stale"  # on "socket": a connection is refused, and the address it was made with is void


DELIVERY_KINDS = frozenset({Kind.TWICE, Kind.NEVER, Kind.DEAF})
SOCKET_KINDS = frozenset({Kind.STALE})
CALL_KINDS = frozenset(Kind) - DELIVERY_KINDS - SOCKET_KINDS


@dataclass
class Fault:
    kind: Kind
    method: str = "*"
    times: int = 1
    seconds: float = 1.0
    status: int = 503
    error: str = "internal_error"
    body: str = "upstream error"
    content_type: str = "text/plain"
    only: str = ""  # calls whose arguments hold this text; empty: all


class Faults:
    """Those that are still to happen, first come first served."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def left(self) -> int:
        """How many are still to happen."""
        return sum(fault.times for fault in self._waiting)

    def take_call(self, method: str, given: str = "") -> Fault | None:
        """The fault for this call of the Web API with these arguments, used up once."""
        return self._take(method, CALL_KINDS, given)

    def take_delivery(self, kind: str) -> Fault | None:
        """The fault for this delivery to the bot, used up once."""
        return self._take(kind, DELIVERY_KINDS)

    def take_socket(self) -> Fault | None:
        """The fault for this Socket Mode connection, used up once."""
        return self._take("socket", SOCKET_KINDS)

    def _take(self, method: str, kinds: frozenset[Kind], given: str = "") -> Fault | None:
        for fault in self._waiting:
            if fault.kind in kinds and fault.method in ("*", method) and fault.only in given:
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None
