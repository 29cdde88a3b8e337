"""What an observation says apart from when: runs of equal ones are one fact with a beginning and an end.

A watch looks thousands of times and sees the same nearly always. The instants depend on the first and the
last look of such a run alone, so that only these need to be read again.
"""

import hashlib
import json
from collections.abc import Sequence

from bot.domain.facts import DomainFacts
from bot.domain.facts_json import to_json


def essence(facts: DomainFacts) -> str:
    """A digest of all that the instants are derived from, but for the moments."""
    answers = [
        [answer.server, answer.outcome, answer.authoritative, answer.records, answer.decremented]
        for answer in facts.authoritative
    ]
    zones = [[z.server, z.outcome, z.ns, z.ns_ttl, z.negative_ttl] for z in facts.zone_answers]
    said = json.dumps(to_json([answers, zones, facts.by_hand]), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def edges(observations: Sequence[DomainFacts]) -> list[DomainFacts]:
    """The first and the last of each run of equal observations; `observations` oldest first."""
    marks = [essence(facts) for facts in observations]
    return [
        facts
        for number, facts in enumerate(observations)
        if number in (0, len(marks) - 1) or not marks[number - 1] == marks[number] == marks[number + 1]
    ]
