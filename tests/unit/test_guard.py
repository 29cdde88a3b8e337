"""The go or no-go before the change, and the view of the watch."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.cutover import Instants
from bot.domain.facts import Outcome
from bot.domain.findings import Finding, Severity, Status
from bot.domain.guard import GUARDED, go_or_no_go
from bot.domain.mx import Mx
from bot.domain.watch import Standing, view_of, watch_view
from tests.unit.test_progress import CUTOVER, NEW, NOW, OLD, SERVERS, answer, facts


@pytest.mark.parametrize("finding_id", sorted(GUARDED - {"ttl.lowered-too-late"}))
def test_each_of_them_blocks_and_time_does_not_help(finding_id: str) -> None:
    go = go_or_no_go([Finding(finding_id, Status.WRONG, Severity.BLOCK)], Instants(), NOW)
    assert not go.clear
    assert go.earliest is None


@pytest.mark.parametrize(
    "finding",
    [
        Finding("dnssec.bogus", Status.OK, Severity.BLOCK),
        Finding("dnssec.bogus", Status.UNKNOWN, Severity.BLOCK),
        Finding("delegation.lame", Status.WRONG, Severity.HIGH),
        Finding("mx.absent", Status.WRONG, Severity.BLOCK),  # it is about to be put there
        Finding("ttl.high", Status.WRONG, Severity.WARN),
    ],
    ids=lambda finding: f"{finding.id}-{finding.status}-{finding.severity}",
)
def test_what_does_not_stand_against_it(finding: Finding) -> None:
    assert go_or_no_go([finding], Instants(), NOW).clear


def test_an_old_ttl_blocks_until_it_has_run_out() -> None:
    late = Finding("ttl.lowered-too-late", Status.WRONG, Severity.BLOCK)
    safe = NOW + timedelta(minutes=10)
    go = go_or_no_go([late], Instants(safe_to_flip=safe), NOW)
    assert (go.clear, go.earliest) == (False, safe)
    assert go_or_no_go([late], Instants(safe_to_flip=safe), safe).clear
    both = [late, Finding("dnssec.bogus", Status.WRONG, Severity.BLOCK)]
    assert go_or_no_go(both, Instants(safe_to_flip=safe), NOW).earliest is None


def test_the_view_tells_each_address_and_the_last_old_copy() -> None:
    looked = facts(
        answer(SERVERS[0], NEW),
        answer(SERVERS[1], OLD),
    )
    caches = (answer(SERVERS[0], OLD, ttl=120), answer(SERVERS[1], OLD, ttl=40), answer(SERVERS[0], NEW))
    view = watch_view(CUTOVER, replace(looked, resolvers=caches))
    assert [line.standing for line in view.lines] == [Standing.NEW, Standing.OLD]
    assert (view.sampled, view.old) == (3, 2)
    assert view.gone_at == NOW + timedelta(seconds=120)
    assert view_of(view.as_args()) == view


def test_somebody_elses_mx_and_silence_are_told_apart() -> None:
    other = answer(SERVERS[0], Mx(10, "mx.elsewhere.example."))
    silent = answer(SERVERS[1], outcome=Outcome.TIMEOUT)
    view = watch_view(CUTOVER, facts(other, silent))
    assert [line.standing for line in view.lines] == [Standing.OTHER, Standing.SILENT]
