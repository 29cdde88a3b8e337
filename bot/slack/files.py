"""Files to take away: the report, the history, the calendar, texts to copy. Made when they are sent."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from bot.content.texts import Letter, announcement, change_at, dns_request
from bot.domain.cutover import Cutover
from bot.domain.facts import DomainFacts
from bot.domain.plan import Reminder, ReminderKind
from bot.domain.timeline import timeline
from bot.slack import elements as el
from bot.slack.material import Material
from bot.slack.names import shown_name
from bot.slack.rendered import Block, File, Rendered
from bot.slack.thread import only
from bot.slack.voice import Voice, instant

Args = Mapping[str, Any]
INLINE = 9000  # characters of a file that are shown where none may be sent
LANGS = {"ja": "en", "en": "ja"}


def stem(cutover: Cutover) -> str:
    """A file's name without its ending: short enough for any file system."""
    return el.cut(cutover.domain, 100).replace("…", "")


def report(voice: Voice, material: Material, args: Args) -> Rendered:
    """The report as Markdown and HTML, and the picture of the propagation where one can be drawn."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    from bot.report import build, to_html, to_markdown, to_svg

    names: Mapping[str, str] = args.get("names") or {}
    last = material.last
    made = build(
        cutover,
        material.history,
        made_at=material.now,
        shown_domain=shown_name(cutover.domain),
        last=last,
        findings=_findings(material, last),
        lang=voice.lang,
        tz=voice.tz,
        name_of=lambda user: names.get(user, user),
    )
    name = stem(cutover)
    text = voice("file.report", domain=shown_name(cutover.domain))
    line = timeline(cutover, material.looks)
    picture = to_svg(line, voice.lang, voice.tz, domain=_drawable(cutover.domain)) if line else ""
    files = (
        File(f"report-{name}.md", to_markdown(made).encode()),
        File(f"report-{name}.html", to_html(made, picture).encode()),
        *((File(f"timeline-{name}.svg", picture.encode(), picture=True),) if picture else ()),
    )
    return Rendered(text, tuple(el.sections(text)), files)


def picture(voice: Voice, material: Material, args: Args) -> Rendered:
    """The propagation as an image, and its two instants in words."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    from bot.report import to_svg

    none = voice("report.none")
    shown = cutover.instants
    text = voice(
        "file.picture",
        domain=shown_name(cutover.domain),
        flip=shown.t_flip or none,
        safe=shown.t_safe or none,
    )
    line = timeline(cutover, material.looks)
    if line is None:
        return only(text)
    svg = to_svg(line, voice.lang, voice.tz, domain=_drawable(cutover.domain))
    file = File(f"timeline-{stem(cutover)}.svg", svg.encode(), picture=True)
    return Rendered(text, tuple(el.sections(text)), (file,))


def _drawable(domain: str) -> str:
    """The domain as people write it where every Japanese font has its characters (JIS X 0208)."""
    shown = shown_name(domain)
    try:
        shown.encode("shift_jis")
    except UnicodeEncodeError:
        return domain
    return shown


async def drawn(rendered: Rendered) -> Rendered:
    """Pictures as PNG, drawn beside the event loop; where none can be drawn they stay SVG."""
    if not any(file.picture for file in rendered.files):
        return rendered
    from bot.report import to_png

    files = []
    for file in rendered.files:
        png = await to_png(file.content.decode()) if file.picture else None
        files.append(File(file.name.removesuffix(".svg") + ".png", png) if png else file)
    return replace(rendered, files=tuple(files))


def _findings(material: Material, last: DomainFacts | None) -> tuple[Any, ...]:
    from bot.usecases.observe import findings_for

    if last is None or material.cutover is None:
        return ()
    return findings_for(material.cutover, last, last.at)


def export(voice: Voice, material: Material, args: Args) -> Rendered:
    """The history for other programs: JSON, or CSV for a spreadsheet."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    from bot.report import history_csv, history_json

    text = voice("file.export", domain=shown_name(cutover.domain))
    if args.get("form") == "csv":
        content = history_csv(cutover, material.history, voice.lang)
        file = File(f"history-{stem(cutover)}.csv", content.encode())
    else:
        file = File(f"history-{stem(cutover)}.json", history_json(cutover, material.history).encode())
    return Rendered(text, tuple(el.sections(text)), (file,))


def calendar(voice: Voice, material: Material, args: Args) -> Rendered:
    """The plan as an iCalendar file."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    from bot.ics import calendar_file

    known = {kind.value: kind for kind in ReminderKind}
    reminders = [
        Reminder(known[row.reminder.kind], row.reminder.due_at, dict(row.reminder.args))
        for row in material.pending
        if row.reminder.kind in known
    ]
    content = calendar_file(
        uid=cutover.id,
        domain=shown_name(cutover.domain),
        at=cutover.day,
        reminders=reminders,
        stamp=material.now,
        sequence=cutover.plan_version,
        lang=voice.lang,
        tz=voice.tz,
    )
    text = voice("file.calendar", domain=shown_name(cutover.domain))
    return Rendered(text, tuple(el.sections(text)), (File(f"plan-{stem(cutover)}.ics", content),))


def text(voice: Voice, material: Material, args: Args) -> Rendered:
    """The announcement or the request, in a block to copy, in either language."""
    cutover = material.cutover
    if cutover is None:
        return only(voice("refuse.gone"))
    what, lang = str(args.get("what") or "announce"), str(args.get("lang") or voice.lang)
    letter = letter_of(cutover, args, what, lang, voice.tz)
    title = voice(f"text.title.{what}", domain=shown_name(cutover.domain))
    blocks: list[Block] = [el.section(f"*{title}*\n{voice('text.copy')}"), *fenced(str(letter))]
    other = "request" if what == "announce" else "announce"
    here = {"v": "text", "c": cutover.id}
    blocks += el.actions(
        [
            el.button(voice(f"button.text_{other}"), "text.other", {**here, "r": f"{other} {lang}"}),
            el.button(
                voice(f"button.text_in_{LANGS[lang]}"), "text.lang", {**here, "r": f"{what} {LANGS[lang]}"}
            ),
        ]
    )
    return Rendered(el.cut(f"{title}\n{letter}", 3000), tuple(blocks))


def letter_of(cutover: Cutover, args: Args, what: str, lang: str, tz: ZoneInfo) -> Letter:
    """The text, filled in from the cutover and its plan's instants."""
    change = change_at(
        cutover,
        shown_name(cutover.domain),
        lower_by=instant(args.get("lower_by")),
        restore_after=instant(args.get("restore_after")),
        safe_from=instant(args.get("safe_from")),
    )
    return announcement(change, lang, tz) if what == "announce" else dns_request(change, lang, tz)


def fenced(content: str, most: int = INLINE) -> list[Block]:
    """A long text to copy: code blocks, each within a section's limit."""
    blocks: list[Block] = []
    part = ""
    for line in el.escape(el.cut(content, most)).split("\n"):
        for piece in (line[i : i + 2800] for i in range(0, max(1, len(line)), 2800)):
            if part and len(part) + len(piece) > 2800:
                blocks.append(el.section(f"```{part}```"))
                part = ""
            part = f"{part}\n{piece}" if part else piece or " "
    if part.strip():
        blocks.append(el.section(f"```{part}```"))
    return blocks


def inline(voice: Voice, rendered: Rendered) -> Rendered:
    """The same without files, where the app may not send any: the first one's text."""
    if not rendered.files:
        return rendered
    blocks: list[Block]
    if not rendered.files[0].is_text:
        blocks = [el.section(rendered.text), el.context(voice("file.no_picture"))]
        return Rendered(rendered.text, tuple(blocks))
    content = rendered.files[0].content.decode("utf-8").lstrip("\ufeff")
    blocks = [el.section(rendered.text), el.context(voice("file.inline"))]
    blocks += fenced(content)
    if len(content) > INLINE:
        blocks.append(el.context(voice("file.cut")))
    return Rendered(rendered.text, tuple(blocks))
