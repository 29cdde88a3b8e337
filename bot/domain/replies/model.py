"""What a reply can mean."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from bot.domain.commands import Verb
from bot.domain.cutover import Step
from bot.domain.when import Assumed, Trouble


class Meaning(StrEnum):
    """What somebody wants to say."""

    DONE = "done"
    NOT_YET = "not_yet"
    CANT = "cant"
    NOT_NEEDED = "not_needed"
    LATER = "later"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    ROLL_BACK = "roll_back"
    ASSIGN = "assign"
    VERB = "verb"
    QUESTION = "question"
    NOISE = "noise"  # thanks, understood, greetings: no answer is wanted
    UNCLEAR = "unclear"


class Need(StrEnum):
    """What has to be asked for before a reply can be acted on; the text is `reply.need.<value>`."""

    DATE = "date"
    TIME = "time"
    WHICH = "which"  # one of `readings`
    ANOTHER_TIME = "another_time"  # the one given cannot be: `trouble`
    USER = "user"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class Reply:
    """One meaning with what belongs to it.

    `steps`: those named; none: the step that was asked for. `everything`: "all of them". `at`: aware UTC,
    for LATER (None: no time was said) and RESCHEDULE. `day`: the date of a RESCHEDULE without a time, in
    the person's zone. `users`: Slack ids for ASSIGN. `text`: the words it was read from, kept as the
    reason of a CANT or as the question. `nearest`: what an UNCLEAR reply may have meant. `also`: further
    meanings of the same reply, in order. `reason`: why the day of a RESCHEDULE is moved, as written.
    """

    meaning: Meaning
    text: str = ""
    steps: tuple[Step, ...] = ()
    everything: bool = False
    at: datetime | None = None
    day: date | None = None
    readings: tuple[datetime, ...] = ()
    trouble: Trouble | None = None
    assumed: tuple[Assumed, ...] = ()
    needs: tuple[Need, ...] = ()
    users: tuple[str, ...] = ()
    verb: Verb | None = None
    nearest: Meaning | None = None
    also: tuple["Reply", ...] = ()
    reason: str | None = None

    @property
    def parts(self) -> Iterator["Reply"]:
        """This meaning and the further ones."""
        yield self
        yield from self.also
