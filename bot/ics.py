"""A cutover's plan as an iCalendar file (RFC 5545), for the calendars of the people involved."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event

from bot.content import TOKYO, say
from bot.content.plan_text import reminder_line
from bot.domain.plan import BEFORE_THE_DAY, Reminder, ReminderKind

CHANGE_TAKES = timedelta(hours=1)  # how long the calendar is blocked for the change itself
REMINDER_TAKES = timedelta(minutes=15)
_IN_THE_CHANGE = frozenset({ReminderKind.DAY, ReminderKind.DAY_BEGIN})


def calendar_file(
    *,
    uid: str,
    domain: str,
    at: datetime,
    reminders: Iterable[Reminder],
    stamp: datetime,
    sequence: int = 0,
    lang: str = "ja",
    tz: ZoneInfo = TOKYO,
) -> bytes:
    """The change with an alarm half an hour before it, and one entry for each other reminder.

    `uid` is the cutover's own id: with it, and `sequence` raised by each new plan, a calendar that has the
    file already moves its entries instead of doubling them (RFC 5545 3.8.7.4). `domain`: as people read
    it. `at` and `stamp` (when the file was made) are aware; instants are written in UTC.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//mxcutover//MX cutover plan//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", say("ics.name", lang, domain=domain))

    def entry(kind: str, begins: datetime, takes: timedelta, summary: str, text: str) -> Event:
        event = Event()
        event.add("uid", f"{uid}-{kind}@mxcutover")
        event.add("dtstamp", stamp.astimezone(UTC))
        event.add("dtstart", begins.astimezone(UTC))
        event.add("dtend", (begins + takes).astimezone(UTC))
        event.add("sequence", sequence)
        event.add("summary", summary)
        event.add("description", text)
        calendar.add_component(event)
        return event

    title = say("ics.change", lang, domain=domain)
    change = entry("change", at, CHANGE_TAKES, title, say("ics.change.text", lang, domain=domain))
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -BEFORE_THE_DAY)
    change.add_component(alarm)
    for reminder in reminders:
        if reminder.kind in _IN_THE_CHANGE:
            continue
        line = reminder_line(reminder.kind, reminder.args, lang, tz=tz)
        summary = say("ics.reminder", lang, domain=domain, what=say(f"ics.kind.{reminder.kind}", lang))
        event = entry(reminder.kind, reminder.due_at, REMINDER_TAKES, summary, line)
        event.add("transp", "TRANSPARENT")  # nobody is busy for a reminder
    return bytes(calendar.to_ical())
