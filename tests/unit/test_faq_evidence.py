"""Each provider with facts that prove, that disprove, and that leave it open."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.cutover import MailService, Snapshot, State, Step, StepState, StepStatus
from bot.domain.facts import Outcome, PolicyOutcome
from bot.domain.faq import UNKNOWN
from bot.usecases.evidence import PROVIDERS, general_args, look
from bot.usecases.evidence_context import EvidenceContext, SupportNow
from tests.unit.dns_facts import DOMAIN, GATEWAY, NOW, OLD, ONE, TWO, answer, facts, failed, mx
from tests.unit.faq_contexts import ALL_DONE, CONTEXTS, CUTOVER, STABLE, context, during, sts
from tests.unit.faq_contexts import look as seen

NOTHING = CONTEXTS["nothing"]


def test_nothing_known_is_unknown_with_every_provider() -> None:
    for provider in PROVIDERS:
        assert look(provider, NOTHING).outcome == UNKNOWN, provider


def test_every_outcome_comes_with_the_arguments_it_promises() -> None:
    met: set[tuple[str, str]] = set()
    for known in CONTEXTS.values():
        for provider, promised in PROVIDERS.items():
            said = look(provider, known)
            met.add((provider, said.outcome))
            assert promised.outcomes[said.outcome] <= set(said.args), (provider, said)
    core = {
        (p, o) for p in ("mx", "spf", "caches", "restore", "ttl", "mta_sts") for o in PROVIDERS[p].outcomes
    }
    assert core <= met


@pytest.mark.parametrize(
    ("name", "outcome", "variant"),
    [
        ("watching", "as_expected", None),
        ("not_changed", "not_changed", None),
        ("typo", "wrong", "typo"),
        ("leftover", "leftover", None),
        ("partial", "partial", None),
        ("absent", "absent", None),
    ],
)
def test_mx_findings_decide(name: str, outcome: str, variant: str | None) -> None:
    said = look("mx", CONTEXTS[name])
    assert (said.outcome, said.seen) == (outcome, variant)


def test_mx_names_the_servers_that_differ_and_what_they_gave() -> None:
    said = look("mx", CONTEXTS["partial"])
    assert said.args["servers"] == [(TWO.host or "").rstrip(".")]
    assert said.args["seen_mx"] == ["10 mail.old-provider.example."]


def test_a_missing_dot_is_told_apart_from_a_typo() -> None:
    said = look("mx", context(during(), seen(mx(f"10 mgf.cybermail.jp.{DOMAIN}"))))
    assert (said.outcome, said.seen) == ("wrong", "missing_dot")


def test_servers_that_said_nothing_prove_nothing() -> None:
    silent = facts(failed(ONE, Outcome.TIMEOUT), failed(TWO, Outcome.TIMEOUT))
    assert look("mx", context(during(), silent)).outcome == UNKNOWN


def test_another_preference_still_lets_mail_arrive() -> None:
    said = look("mx", context(during(), seen(mx("20 mgf.cybermail.jp"))))
    assert (said.outcome, said.seen) == ("as_expected", "minor")


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        (OLD, "not_changed"),
        (GATEWAY, UNKNOWN),  # one of the vendor's hosts, but is it the one in the notice?
        (mx("10 mg.cybermail.jp"), UNKNOWN),
        (GATEWAY | OLD, "leftover"),
        (mx("10 cybermail.jp.attacker.example"), "not_changed"),
    ],
)
def test_without_a_cutover_only_what_the_records_alone_prove(
    records: frozenset[object], outcome: str
) -> None:
    known = EvidenceContext(now=NOW, domain=DOMAIN, facts=seen(records))  # type: ignore[arg-type]
    assert look("mx", known).outcome == outcome


def test_without_a_cutover_servers_that_differ_are_partial() -> None:
    known = EvidenceContext(now=NOW, facts=facts(answer(ONE, GATEWAY), answer(TWO, OLD)))
    assert look("mx", known).outcome == "partial"


def test_caches_by_t_safe() -> None:
    assert look("caches", CONTEXTS["watching"]).outcome == "before_safe"
    assert look("caches", CONTEXTS["safe"]).outcome == "after_safe"
    assert look("caches", CONTEXTS["before"]).outcome == UNKNOWN
    at = CONTEXTS["watching"].cutover
    assert at is not None and at.instants.t_safe is not None
    assert look("caches", replace(CONTEXTS["watching"], now=at.instants.t_safe)).outcome == "after_safe"


def test_steps() -> None:
    skipped = {Step.DELIVERY: StepState(StepStatus.NOT_NEEDED)}
    assert look("step.delivery", context(during(), None)).outcome == "open"
    assert look("step.delivery", context(during(steps=ALL_DONE), None)).outcome == "done"
    said = look("step.delivery", context(during(steps=skipped), None))
    assert (said.outcome, said.seen) == ("done", "skipped")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (State.PREPARING, "before"),
        (State.CHANGING, "changing"),
        (State.WATCHING, "watching"),
        (State.STABILISING, "stable"),
        (State.FINISHED, "stable"),
        (State.ROLLED_BACK, "ended"),
        (State.CANCELLED, "ended"),
    ],
)
def test_phase(state: State, outcome: str) -> None:
    assert look("phase", context(replace(CUTOVER, state=state), None)).outcome == outcome


@pytest.mark.parametrize(
    ("apart", "outcome"),
    [(timedelta(days=3), "ahead"), (timedelta(), "today"), (-timedelta(days=1), "passed")],
)
def test_day(apart: timedelta, outcome: str) -> None:
    assert look("day", context(replace(CUTOVER, day=NOW + apart), None)).outcome == outcome


def test_ttl() -> None:
    assert look("ttl", CONTEXTS["before"]).outcome == "high"
    assert look("ttl", CONTEXTS["before"]).args["seen_ttl"] == 3600
    assert look("ttl", CONTEXTS["before_low_ttl"]).outcome == "low"


def test_restore() -> None:
    assert look("restore", CONTEXTS["safe"]).outcome == "wait"
    assert look("restore", CONTEXTS["ten_days_later"]).args == {"old_ttl": 3600}
    assert look("restore", CONTEXTS["restored"]).outcome == "done"
    assert look("restore", CONTEXTS["before"]).outcome == UNKNOWN
    unknown_ttl = replace(STABLE, snapshot=Snapshot(OLD, None, (), None, NOW))
    later = context(unknown_ttl, None, now=NOW + timedelta(days=20))
    assert look("restore", later).outcome == UNKNOWN


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("spf_ok", "ok"),
        ("spf_absent", "absent"),
        ("spf_two", "multiple"),
        ("spf_lookups", "lookups"),
        ("spf_mx", "mx_mechanism"),
        ("spf_syntax", "wrong"),
        ("safe", UNKNOWN),
    ],
)
def test_spf(name: str, outcome: str) -> None:
    assert look("spf", CONTEXTS[name]).outcome == outcome


def test_mta_sts() -> None:
    assert look("mta_sts", CONTEXTS["mta_sts"]).outcome == "excludes"
    allowed = context(STABLE, seen(GATEWAY, mta_sts=sts("*.cybermail.jp")))
    assert look("mta_sts", allowed).outcome == "ok"


@pytest.mark.parametrize(
    ("name", "outcome"), [("dmarc_strict", "strict"), ("dmarc_none", "ok"), ("spf_ok", UNKNOWN)]
)
def test_dmarc(name: str, outcome: str) -> None:
    assert look("dmarc", CONTEXTS[name]).outcome == outcome


def test_whether_the_dns_service_lets_a_ttl_be_lowered() -> None:
    assert look("ttl_field", CONTEXTS["ttl_fixed"]).outcome == "fixed"
    assert look("ttl_field", CONTEXTS["ttl_changeable"]).outcome == "changeable"
    assert look("ttl_field", replace(NOTHING, dns_host="sakura")).outcome == UNKNOWN  # nothing known of it


def test_mta_sts_that_could_not_be_fetched_proves_nothing() -> None:
    silent = replace(sts("*.cybermail.jp"), policy=PolicyOutcome.TIMEOUT)
    unreached = context(STABLE, seen(GATEWAY, mta_sts=silent))
    assert look("mta_sts", unreached).outcome == UNKNOWN


def test_plan_is_needed_where_a_cutover_is_open() -> None:
    assert look("plan", context(CUTOVER, None)).args["plan"] == "sigma"


def test_dns_host() -> None:
    assert look("dns_host", CONTEXTS["before"]).args["host"] == "sakura"
    assert look("dns_host", CONTEXTS["host_unknown"]).outcome == "unnamed"


def test_support_and_mail_service_and_old_mx() -> None:
    assert look("support", CONTEXTS["before"]).outcome == "open"
    assert look("support", replace(NOTHING, support=SupportNow(False))).outcome == "closed"
    assert look("mail_service", context(CUTOVER, None)).outcome == "microsoft"
    assert look("old_mx", context(CUTOVER, None)).args["snapshot_mx"] == ["mail.old-provider.example"]
    assert look("old_mx", CONTEXTS["no_snapshot"]).outcome == UNKNOWN


def test_a_pasted_mail() -> None:
    assert look("mail_route", CONTEXTS["mail_direct"]).outcome == "direct"
    assert look("mail_wait", CONTEXTS["mail_slow"]).args == {
        "slow_server": "mx.example.net",
        "slow_span": 7200,
    }
    assert look("mail_wait", CONTEXTS["mail_quick"]).outcome == "quick"
    assert look("mail_wait", CONTEXTS["mail_direct"]).outcome == UNKNOWN
    assert look("mail_spf", CONTEXTS["mail_spf_fail"]).outcome == "failed"


def test_general_words_are_the_domains_own_where_it_is_known() -> None:
    args = general_args(context(replace(CUTOVER, mail_service=MailService.GOOGLE), None))
    assert args["mx_lines"] == "example.co.jp. 300 IN MX 10 mgf.cybermail.jp."
    assert args["old_mx_lines"] == "example.co.jp. 3600 IN MX 10 mail.old-provider.example."
    assert args["mail_service"] == "Google Workspace"
    assert general_args(NOTHING) == {}
    assert general_args(replace(NOTHING, domain=DOMAIN)) == {"domain": DOMAIN, "domain_name": DOMAIN}
    assert (args["old_ttl"], args["dot_note"], args["connector"]) == (3600, "sakura", "google")


def test_where_the_ttl_cannot_be_changed_the_new_line_keeps_the_old_one() -> None:
    kept = CUTOVER.with_step(Step.TTL, StepState(StepStatus.SKIPPED, reason="固定"))
    assert general_args(context(kept, None))["mx_lines"] == "example.co.jp. 3600 IN MX 10 mgf.cybermail.jp."
    assert look("restore", context(replace(kept, state=State.STABILISING), None)).seen == "not_needed"


def test_a_ttl_that_was_low_before_is_not_restored() -> None:
    low = replace(STABLE, snapshot=Snapshot(OLD, 300, (), None, NOW))
    said = look("restore", context(low, None, now=NOW + timedelta(days=20)))
    assert (said.outcome, said.seen) == ("done", "not_needed")


def test_before_the_day_the_old_mx_is_as_planned() -> None:
    assert look("mx", CONTEXTS["before"]).seen == "as_planned"
    assert look("mx", CONTEXTS["not_changed"]).seen is None


def test_when_support_opens_is_said_where_it_is_closed() -> None:
    monday = NOW + timedelta(days=2)
    closed = replace(NOTHING, support=SupportNow(False, monday))
    said = look("support", closed)
    assert (said.outcome, said.seen, said.args) == ("closed", "closed_until", {"opens_at": monday})
    assert general_args(closed)["support_hours"] == monday
    assert general_args(replace(NOTHING, support=SupportNow(True)))["support_hours"] == "open"
