"""Figures for Prometheus. No label names a person, a domain or a cutover: labels are few, and fixed.

Each running bot has a registry of its own, so that several in one process do not meet.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.domain.facts import DomainFacts
from bot.ports import Dns, Match, Matcher

log = structlog.get_logger(__name__)

T = TypeVar("T")

ACKNOWLEDGED_WITHIN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)  # Slack waits three
LOOKED_WITHIN = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)
READ_WITHIN = 5.0  # seconds for the database; a scrape has an end of its own


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the database holds that is still to be done. Seconds; 0 where there is nothing."""

    overdue_seconds: float
    unsettled: int
    outbox_seconds: float


class Metrics:
    """What is counted while the bot runs, and what is read when somebody asks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._acknowledged = Histogram(
            "mxcutover_acknowledgement_seconds",
            "From a delivery of Slack's, once read, to its answer; kept before it is acknowledged",
            ["status"],
            buckets=ACKNOWLEDGED_WITHIN,
            registry=self.registry,
        )
        self._looks = Histogram(
            "mxcutover_dns_look_seconds",
            "A look at a domain's DNS: full, or mx alone for the watch",
            ["look"],
            buckets=LOOKED_WITHIN,
            registry=self.registry,
        )
        self._answers = Counter(
            "mxcutover_dns_answers",
            "How asking for the MX ended, at authoritative servers and at resolvers",
            ["asked", "outcome"],
            registry=self.registry,
        )
        self._decisions = Counter(
            "mxcutover_faq_decisions",
            "What was decided about a question: answer, choose, none, clarify",
            ["decision"],
            registry=self.registry,
        )
        self._up = Gauge("mxcutover_database_up", "1: the database answered", registry=self.registry)
        self._overdue = Gauge(
            "mxcutover_oldest_overdue_reminder_seconds",
            "How long ago the oldest reminder that is still to be fired fell due; of all replicas",
            registry=self.registry,
        )
        self._unsettled = Gauge(
            "mxcutover_outbox_unsettled", "Messages still to be said; of all replicas", registry=self.registry
        )
        self._outbox = Gauge(
            "mxcutover_outbox_oldest_seconds",
            "Age of the oldest message that waits to be said; of all replicas",
            registry=self.registry,
        )
        self._tick = Gauge(
            "mxcutover_tick_age_seconds", "Since a tick last began, monotonic", registry=self.registry
        )
        self._busy = Gauge(
            "mxcutover_longest_job_seconds",
            "For how long the longest of the scheduler's running jobs has been at it, monotonic",
            registry=self.registry,
        )

    def watch_tick(self, age: Callable[[], float], busy: Callable[[], float]) -> None:
        """`age`: seconds since a tick last began; `busy`: for which the longest running job has run."""
        self._tick.set_function(age)
        self._busy.set_function(busy)

    async def acknowledging(self, work: Awaitable[T], status: Callable[[T], int]) -> T:
        """Time `work`, the whole way from a delivery to its answer."""
        started = time.perf_counter()
        answer = await work
        self._acknowledged.labels(str(status(answer))).observe(time.perf_counter() - started)
        return answer

    def looked(self, look: str, seconds: float, facts: DomainFacts) -> None:
        self._looks.labels(look).observe(seconds)
        for asked, answers in (("authoritative", facts.authoritative), ("resolver", facts.resolvers)):
            for answer in answers:
                self._answers.labels(asked, answer.outcome.value).inc()

    def decided(self, decision: str) -> None:
        self._decisions.labels(decision).inc()

    async def page(self, read: Callable[[], Awaitable[Waiting]]) -> bytes:
        """The text that Prometheus reads. Where the database does not answer, its figures are NaN."""
        try:
            waiting = await asyncio.wait_for(read(), READ_WITHIN)
        except Exception as error:
            log.warning("no figures from the database", error=type(error).__name__)
            self._up.set(0)
            for gauge in (self._overdue, self._unsettled, self._outbox):
                gauge.set(float("nan"))
        else:
            self._up.set(1)
            self._overdue.set(waiting.overdue_seconds)
            self._unsettled.set(waiting.unsettled)
            self._outbox.set(waiting.outbox_seconds)
        return generate_latest(self.registry)


class TimedDns:
    """ports.Dns, its looks timed and their outcomes counted."""

    def __init__(self, dns: Dns, metrics: Metrics) -> None:
        self._dns = dns
        self._metrics = metrics

    async def look(self, domain: str, *, expected: Sequence[str] = ()) -> DomainFacts:
        started = time.perf_counter()
        facts = await self._dns.look(domain, expected=expected)
        self._metrics.looked("full", time.perf_counter() - started, facts)
        return facts

    async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
        started = time.perf_counter()
        facts = await self._dns.look_mx(domain, known)
        self._metrics.looked("mx", time.perf_counter() - started, facts)
        return facts


class CountedMatcher:
    """ports.Matcher, its decisions counted."""

    def __init__(self, matcher: Matcher, metrics: Metrics) -> None:
        self._matcher = matcher
        self._metrics = metrics

    def match(self, text: str) -> Match:
        found = self._matcher.match(text)
        self._metrics.decided(found.decision)
        return found


def add_metrics(app: web.Application, metrics: Metrics, read: Callable[[], Awaitable[Waiting]]) -> None:
    """GET /metrics, in Prometheus' text format."""

    async def serve(_: web.Request) -> web.Response:
        page = await metrics.page(read)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app.router.add_get("/metrics", serve)
