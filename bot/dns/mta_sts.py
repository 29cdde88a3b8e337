"""Whether a domain has an MTA-STS policy, and what it says (RFC 8461 3). The fetching is its caller's."""

import asyncio

from bot.dns.config import DnsConfig, Fetch
from bot.dns.resolver import Asker, addresses, texts
from bot.dns.wire import Budget
from bot.domain.facts import DEFINITE, MtaStsFacts, Outcome, PolicyOutcome
from bot.domain.mta_sts import BadPolicy, parse_policy, policy_id

WITHIN = 8.0  # seconds


async def look_up_policy(
    asker: Asker, fetch: Fetch | None, config: DnsConfig, domain: str, budget: Budget
) -> MtaStsFacts:
    """`_mta-sts.<domain>` and, where it announces one, the policy. `domain` is absolute."""
    host = f"mta-sts.{domain}"
    txt, where = await asyncio.gather(
        texts(asker, f"_mta-sts.{domain}", budget), addresses(asker, host, budget)
    )
    announced = policy_id(txt.texts)
    if announced is None or fetch is None:
        return MtaStsFacts(txt, announced)
    if where.outcome is not Outcome.ANSWER:
        outcome = PolicyOutcome.NO_HOST if where.outcome in DEFINITE else PolicyOutcome.TIMEOUT
        return MtaStsFacts(txt, announced, outcome, detail=where.outcome.value)
    allowed = [
        config.place_of((a, 443))[0]
        for a in where.addresses
        if config.may_contact(a) or a in config.address_map
    ]
    if not allowed:
        return MtaStsFacts(txt, announced, PolicyOutcome.NOT_ALLOWED)
    fetched = await fetch(host.rstrip("."), allowed, budget.left(WITHIN))
    if fetched.outcome is not PolicyOutcome.FETCHED:
        return MtaStsFacts(txt, announced, fetched.outcome, detail=fetched.detail)
    try:
        policy = parse_policy(fetched.body)
    except BadPolicy as bad:
        return MtaStsFacts(txt, announced, PolicyOutcome.INVALID, detail=str(bad))
    return MtaStsFacts(txt, announced, PolicyOutcome.FETCHED, policy.mode, policy.patterns, policy.max_age)
