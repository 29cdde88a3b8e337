"""How often a public resolver may be asked: at most once a second in a watch, and less where it balks."""

import time
from collections.abc import Callable

from bot.dns.config import Endpoint
from bot.domain.facts import DEFINITE, Outcome

EVERY = 1.0  # seconds between two questions of one watch to one resolver
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0  # after a question that got no answer, doubled each time
MOST_REMEMBERED = 20_000


class Manners:
    """Remembers who was asked when. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: dict[tuple[Endpoint, str], float] = {}
        self._pause: dict[Endpoint, float] = {}
        self._until: dict[Endpoint, float] = {}

    def may_ask(self, resolver: Endpoint, domain: str) -> bool:
        """Whether this watch may ask the resolver now; if so, it counts as asked."""
        now = self._clock()
        if now < self._until.get(resolver, 0.0):
            return False
        last = self._asked.get((resolver, domain))
        if last is not None and now - last < EVERY:
            return False
        if len(self._asked) >= MOST_REMEMBERED:
            self._asked = {key: at for key, at in self._asked.items() if now - at < EVERY}
        self._asked[resolver, domain] = now
        return True

    def heard(self, resolver: Endpoint, outcome: Outcome) -> None:
        """How a question to the resolver ended: silence and refusals earn it a rest."""
        if outcome in DEFINITE:
            self._pause.pop(resolver, None)
            self._until.pop(resolver, None)
            return
        pause = min(self._pause.get(resolver, FIRST_PAUSE / 2) * 2, LONGEST_PAUSE)
        self._pause[resolver] = pause
        self._until[resolver] = self._clock() + pause
