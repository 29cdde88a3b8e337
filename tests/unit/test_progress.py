"""What a look at DNS means for a cutover."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cutover import (
    OPEN_STATES,
    Cutover,
    Event,
    Instants,
    MailService,
    Plan,
    Product,
    Snapshot,
    State,
    Step,
    StepState,
    StepStatus,
)
from bot.domain.facts import DomainFacts, MxAnswer, MxRecord, Outcome, Server
from bot.domain.findings import Finding, Severity, Status
from bot.domain.instants import WHOLE_SECOND
from bot.domain.mx import Mx
from bot.domain.progress import Progress, Told, assess, first_new_at, next_look, ttl_is_low, ttl_is_restored
from bot.domain.teams import Team

NOW = datetime(2026, 12, 5, 13, 0, tzinfo=UTC)
OLD = Mx(10, "mail.old-provider.example.")
NEW = Mx(10, "mgf.cybermail.jp.")
SERVERS = (Server("ns1.example.jp.", "192.0.2.1"), Server("ns2.example.jp.", "192.0.2.2"))
SNAPSHOT = Snapshot(frozenset({OLD}), 3600, ("ns1.example.jp.",), None, NOW - timedelta(days=14))
CUTOVER = Cutover(
    id="c1",
    team=Team("", "T1"),
    domain="example.co.jp",
    product=Product.MAILGATES,
    plan=Plan.SIGMA,
    mail_service=MailService.GOOGLE,
    expected=frozenset({NEW}),
    day=NOW,
    owner="U1",
    channel="C1",
    opened_at=NOW - timedelta(days=14),
    state=State.CHANGING,
    steps={Step.TTL: StepState(StepStatus.DONE)},
    snapshot=SNAPSHOT,
)


def answer(server: Server, *mx: Mx, ttl: int = 300, outcome: Outcome = Outcome.ANSWER) -> MxAnswer:
    return MxAnswer(
        server,
        NOW,
        outcome,
        authoritative=outcome is Outcome.ANSWER,
        records=tuple(MxRecord(record, ttl) for record in mx),
    )


def facts(*answers: MxAnswer) -> DomainFacts:
    return DomainFacts("example.co.jp", NOW, authoritative=answers)


def look(
    cutover: Cutover,
    *answers: MxAnswer,
    flip: datetime | None = None,
    safe: datetime | None = None,
    findings: tuple[Finding, ...] = (),
    now: datetime = NOW,
) -> Progress:
    return assess(cutover, facts(*answers), findings, Instants(t_flip=flip, t_safe=safe), now)


def told(progress: Progress) -> list[Told]:
    return [announcement.told for announcement in progress.told]


def test_all_servers_new_means_waiting_for_the_caches_and_step_1_is_done() -> None:
    progress = look(CUTOVER, *(answer(s, NEW) for s in SERVERS), flip=NOW, safe=NOW + timedelta(minutes=5))
    assert progress.cutover.state is State.WATCHING
    assert progress.cutover.step(Step.MX).verified
    assert told(progress) == [Told.MX_ALL]


def test_some_servers_new_is_told_once() -> None:
    preparing = replace(CUTOVER, state=State.PREPARING)
    first = look(preparing, answer(SERVERS[0], NEW), answer(SERVERS[1], OLD))
    assert first.cutover.state is State.CHANGING
    assert told(first) == [Told.MX_SOME]
    again = look(first.cutover, answer(SERVERS[0], NEW), answer(SERVERS[1], OLD))
    assert told(again) == []


def test_silence_is_not_told_as_anything() -> None:
    progress = look(CUTOVER, *(answer(s, outcome=Outcome.TIMEOUT) for s in SERVERS))
    assert progress.cutover.state is State.CHANGING
    assert told(progress) == []


@pytest.mark.parametrize("finding_id", ["mx.typo", "mx.missing-dot", "mx.leftover-old", "mx.absent"])
def test_a_wrong_mx_is_told_at_once_and_once(finding_id: str) -> None:
    wrong = Finding(finding_id, Status.WRONG, Severity.BLOCK)
    answers = [answer(s, Mx(10, "mgf.cybermai1.jp.")) for s in SERVERS]
    first = look(CUTOVER, *answers, findings=(wrong,))
    assert told(first) == [Told.MX_WRONG]
    assert told(look(first.cutover, *answers, findings=(wrong,))) == []
    other = Finding("mx.null", Status.WRONG, Severity.BLOCK)
    assert told(look(first.cutover, *answers, findings=(wrong, other))) == [Told.MX_WRONG]


def test_the_old_mx_is_no_alarm_before_the_change() -> None:
    findings = (Finding("mx.not-changed", Status.WRONG, Severity.HIGH),)
    assert told(look(CUTOVER, *(answer(s, OLD) for s in SERVERS), findings=findings)) == []


def test_a_fault_that_was_there_at_the_start_is_no_alarm_while_preparing() -> None:
    preparing = replace(CUTOVER, state=State.PREPARING)
    findings = (Finding("mx.leftover-old", Status.WRONG, Severity.HIGH),)
    assert told(look(preparing, *(answer(s, OLD) for s in SERVERS), findings=findings)) == []


def test_partial_for_too_long_is_told_once_besides_that_some_have_changed() -> None:
    """A secondary that has not fetched the zone when its refresh is over needs somebody."""
    split = (answer(SERVERS[0], NEW), answer(SERVERS[1], OLD))
    soon = Finding("mx.partial", Status.WRONG, Severity.WARN)
    first = look(CUTOVER, *split, findings=(soon,))
    assert told(first) == [Told.MX_SOME]
    late = Finding("mx.partial", Status.WRONG, Severity.HIGH)
    second = look(first.cutover, *split, findings=(late,))
    assert told(second) == [Told.MX_WRONG]
    assert told(look(second.cutover, *split, findings=(late,))) == []


def test_the_change_began_when_some_address_first_had_the_new_set_and_kept_it() -> None:
    def seen(minute: int, *answers: MxAnswer) -> DomainFacts:
        return replace(facts(*answers), at=NOW + timedelta(minutes=minute))

    old, new = (answer(s, OLD) for s in SERVERS[:2]), answer(SERVERS[0], NEW)
    before, lagging = next(old), next(old)
    silent = answer(SERVERS[0], outcome=Outcome.TIMEOUT)
    looks = [seen(0, before, lagging), seen(1, new, lagging), seen(2, silent), seen(3, new, lagging)]
    assert first_new_at(looks, frozenset({NEW})) == NOW + timedelta(minutes=1)
    back = [*looks, seen(4, before, lagging)]
    assert first_new_at(back, frozenset({NEW})) is None
    assert first_new_at([*back, seen(5, new)], frozenset({NEW})) == NOW + timedelta(minutes=5)
    assert first_new_at([], frozenset({NEW})) is None


def test_safe_is_told_a_second_from_its_instant_on_and_not_before() -> None:
    watching = replace(CUTOVER, state=State.WATCHING)
    answers = [answer(s, NEW) for s in SERVERS]
    safe = NOW + timedelta(minutes=5)
    assert told(look(watching, *answers, flip=NOW, safe=safe)) == []
    # Caches count in whole seconds: a copy may live for a part of one more.
    assert told(look(watching, *answers, flip=NOW, safe=safe, now=safe + timedelta(seconds=0.9))) == []
    late = look(watching, *answers, flip=NOW, safe=safe, now=safe + WHOLE_SECOND)
    assert told(late) == [Told.SAFE]
    assert late.cutover.state is State.STABILISING


def test_a_server_that_goes_back_is_told_and_step_1_is_open_again() -> None:
    stable = replace(CUTOVER, state=State.STABILISING).with_step(
        Step.MX, StepState(StepStatus.DONE, verified=True)
    )
    progress = look(stable, answer(SERVERS[0], NEW), answer(SERVERS[1], OLD))
    assert told(progress) == [Told.DRIFT]
    assert progress.cutover.state is State.CHANGING
    assert not progress.cutover.step(Step.MX).settled


def test_a_silent_server_is_no_drift() -> None:
    stable = replace(CUTOVER, state=State.STABILISING)
    progress = look(stable, answer(SERVERS[0], NEW), answer(SERVERS[1], outcome=Outcome.TIMEOUT))
    assert told(progress) == []


def test_the_lowered_ttl_settles_its_step() -> None:
    preparing = replace(CUTOVER, state=State.PREPARING, steps={})
    progress = look(preparing, *(answer(s, OLD, ttl=300) for s in SERVERS))
    assert progress.cutover.step(Step.TTL).verified
    assert told(progress) == [Told.TTL_LOWERED]


def test_one_server_with_the_old_ttl_or_without_an_answer_leaves_it_open() -> None:
    preparing = replace(CUTOVER, state=State.PREPARING, steps={})
    for other in (answer(SERVERS[1], OLD, ttl=3600), answer(SERVERS[1], outcome=Outcome.TIMEOUT)):
        progress = look(preparing, answer(SERVERS[0], OLD, ttl=300), other)
        assert not progress.cutover.step(Step.TTL).settled


def test_low_is_unknown_where_a_server_is_silent() -> None:
    silent = answer(SERVERS[1], outcome=Outcome.TIMEOUT)
    assert ttl_is_low(facts(answer(SERVERS[0], OLD, ttl=300), silent)) is None
    assert ttl_is_low(facts(answer(SERVERS[0], OLD, ttl=301), silent)) is False
    assert ttl_is_low(facts(silent)) is None
    no_route = answer(SERVERS[1], outcome=Outcome.NO_ROUTE)
    assert ttl_is_low(facts(answer(SERVERS[0], OLD, ttl=300), no_route)) is True


def test_the_restored_ttl_finishes_the_cutover_once_ten_days_are_over() -> None:
    stable = replace(CUTOVER, state=State.STABILISING)
    answers = [answer(s, NEW, ttl=3600) for s in SERVERS]
    early = look(stable, *answers, flip=NOW - timedelta(days=3), safe=NOW - timedelta(days=3))
    assert told(early) == [Told.TTL_RESTORED]
    assert early.cutover.state is State.STABILISING
    done = StepState(StepStatus.DONE)
    judged = stable.with_step(Step.ALLOW_RULE, done).with_step(Step.DELIVERY, done)
    late = look(judged, *answers, flip=NOW - timedelta(days=10), safe=NOW - timedelta(days=10))
    assert told(late) == [Told.TTL_RESTORED, Told.FINISHED]
    assert late.cutover.state is State.FINISHED
    assert late.cutover.next_look_at is None


@pytest.mark.parametrize("step", [Step.ALLOW_RULE, Step.DELIVERY])
def test_nothing_is_finished_while_mail_goes_unjudged_or_to_the_old_service(step: Step) -> None:
    stable = replace(CUTOVER, state=State.STABILISING)
    for other in {Step.ALLOW_RULE, Step.DELIVERY} - {step}:
        stable = stable.with_step(other, StepState(StepStatus.DONE))
    then = NOW - timedelta(days=30)
    late = look(stable, *(answer(s, NEW, ttl=3600) for s in SERVERS), flip=then, safe=then)
    assert told(late) == [Told.TTL_RESTORED]
    assert late.cutover.state is State.STABILISING


def test_restored_means_the_value_of_the_snapshot_everywhere() -> None:
    assert ttl_is_restored(CUTOVER, facts(*(answer(s, NEW, ttl=3600) for s in SERVERS))) is True
    assert ttl_is_restored(CUTOVER, facts(*(answer(s, NEW, ttl=1800) for s in SERVERS))) is False
    assert ttl_is_restored(replace(CUTOVER, snapshot=None), facts(answer(SERVERS[0], NEW))) is None


def test_the_way_back_ends_when_every_server_has_the_old_mx() -> None:
    back = replace(CUTOVER, state=State.ROLLING_BACK)
    assert told(look(back, answer(SERVERS[0], OLD), answer(SERVERS[1], NEW))) == []
    assert told(look(back, answer(SERVERS[0], OLD), answer(SERVERS[1], outcome=Outcome.TIMEOUT))) == []
    done = look(back, *(answer(s, OLD) for s in SERVERS))
    assert told(done) == [Told.ROLLED_BACK]
    assert done.cutover.state is State.ROLLED_BACK


instants = st.integers(1_767_225_600, 1_830_297_600).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(
    state=st.sampled_from(sorted(OPEN_STATES)),
    now=instants,
    flip=st.none() | instants,
    safe=st.none() | instants,
)
def test_the_next_look_lies_ahead_and_within_six_hours(
    state: State, now: datetime, flip: datetime | None, safe: datetime | None
) -> None:
    cutover = replace(CUTOVER, state=state, instants=Instants(t_flip=flip, t_safe=safe))
    at = next_look(cutover, now)
    assert at is not None
    assert now < at <= now + timedelta(hours=6)


@given(
    state=st.sampled_from(sorted(State)),
    shapes=st.lists(st.sampled_from(["new", "old", "silent", "none"]), min_size=0, max_size=4),
    flip=st.none() | instants,
    safe=st.none() | instants,
    now=instants,
)
def test_no_look_ends_anywhere_but_along_the_table(
    state: State, shapes: list[str], flip: datetime | None, safe: datetime | None, now: datetime
) -> None:
    made = {
        "new": lambda s: answer(s, NEW),
        "old": lambda s: answer(s, OLD),
        "none": lambda s: answer(s),
        "silent": lambda s: answer(s, outcome=Outcome.TIMEOUT),
    }
    answers = [made[shape](Server("ns.", f"192.0.2.{n}")) for n, shape in enumerate(shapes)]
    progress = look(replace(CUTOVER, state=state), *answers, flip=flip, safe=safe, now=now)
    if state not in OPEN_STATES:
        assert progress.events == ()
        assert progress.told == ()
    assert all(isinstance(event, Event) for event in progress.events)
