"""The commands and their help. A command's work is in its own module, imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli import ops

app = typer.Typer(
    name="mxcutover",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Guides an MX cutover (MXレコード切替) to MAILGATES Σ / Cloud Mail SECURITYSUITE.",
)


ops.register(app)


@app.callback()
def _root() -> None:
    pass


@app.command("plan", help="The reminders that a cutover would get, without network.")
def _plan(
    domain: Annotated[str, typer.Argument(help="The domain whose MX is to change")],
    at: Annotated[str, typer.Option(help="The planned change, 2026-12-05T22:00 (Asia/Tokyo, or an offset)")],
    ttl: Annotated[int | None, typer.Option(help="Seconds the MX's TTL is now; left out: unknown")] = None,
    product: Annotated[
        str | None, typer.Option(help="mailgates | securitysuite | securitysuite_business")
    ] = None,
    plan: Annotated[str | None, typer.Option(help="lite … premium, business … both_ways, sigma")] = None,
    mail_service: Annotated[str, typer.Option(help="google | microsoft | other")] = "other",
    cannot_lower_ttl: Annotated[bool, typer.Option(help="The DNS service cannot change a TTL")] = False,
    now: Annotated[str | None, typer.Option(help="Plan as if it were this moment")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
    as_ics: Annotated[bool, typer.Option("--ics", help="Print an iCalendar file (> plan.ics)")] = False,
    lang: Annotated[str, typer.Option(help="ja | en")] = "ja",
) -> None:
    from bot.cli.plan import PlanCommand, run
    from bot.settings import Settings

    command = PlanCommand(
        domain=domain,
        at=at,
        ttl=ttl,
        product=product,
        plan=plan,
        mail_service=mail_service,
        can_lower_ttl=not cannot_lower_ttl,
        now=now,
        as_json=as_json,
        as_ics=as_ics,
        lang=lang,
    )
    raise typer.Exit(run(command, Settings().closed_days))


@app.command("check", help="Check a domain's mail DNS on its authoritative servers, without Slack.")
def _check(
    domain: Annotated[str, typer.Argument(help="The domain whose MX is to be checked")],
    expect: Annotated[
        list[str] | None, typer.Option(help='An MX of the opening notice: "10 mgf.cybermail.jp"; repeatable')
    ] = None,
    before: Annotated[
        list[str] | None, typer.Option(help="An MX from before the change, likewise; repeatable")
    ] = None,
    nameserver: Annotated[
        list[str] | None,
        typer.Option(help="An authoritative server, HOST[:PORT]; no delegation is followed; repeatable"),
    ] = None,
    resolver: Annotated[
        list[str] | None,
        typer.Option(help="A recursive resolver, HOST[:PORT], for delegation and caches; repeatable"),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="Where a lab serves an address: ADDRESS=HOST:PORT; repeatable"),
    ] = None,
    allow_private: Annotated[
        bool, typer.Option(help="Also ask nameservers at private addresses that DNS gives")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
    lang: Annotated[str, typer.Option(help="ja | en")] = "ja",
) -> None:
    """Exit code 0: nothing above warn. 1: a finding of block or high. 2: bad usage. 3: unknown."""
    from bot.cli.check import CheckCommand, Defaults, run
    from bot.settings import Settings

    settings = Settings()
    command = CheckCommand(
        domain=domain,
        expect=tuple(expect or ()),
        before=tuple(before or ()),
        nameservers=tuple(nameserver or ()),
        resolvers=tuple(resolver or ()),
        maps=tuple(map_ or ()),
        allow_private=allow_private,
        as_json=as_json,
        lang=lang,
    )
    defaults = Defaults(settings.resolvers, settings.nameservers, settings.sample_resolvers)
    raise typer.Exit(run(command, defaults))


@app.command("ask", help="Answer a question from the FAQ, or every line of a file, without Slack.")
def _ask(
    text: Annotated[str | None, typer.Argument(help="The question, in Japanese or English")] = None,
    lang: Annotated[str | None, typer.Option(help="ja | en; left out: the question's own")] = None,
    domain: Annotated[str | None, typer.Option(help="Look at this domain's DNS first")] = None,
    batch: Annotated[str | None, typer.Option(help="A file of questions, one a line; - for stdin")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line per question")] = False,
) -> None:
    from bot.cli.ask import AskCommand, run

    raise typer.Exit(run(AskCommand(text=text, batch=batch, lang=lang, domain=domain, as_json=as_json)))


faq = typer.Typer(no_args_is_help=True, help="What was asked and not answered.")
app.add_typer(faq, name="faq")


@faq.command("report", help="The questions that found no answer, or one that did not help; newest first.")
def _faq_report(
    days: Annotated[int, typer.Option(help="How far back")] = 30,
    limit: Annotated[int, typer.Option(help="How many at most")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line per question")] = False,
    data: Annotated[Path | None, typer.Option(help="Folder for the files; MXCUTOVER_DATA")] = None,
) -> None:
    from bot.cli.faq_report import run
    from bot.settings import Settings

    settings = Settings()
    if data is not None:
        settings = settings.model_copy(update={"data": data})
    raise typer.Exit(run(settings, days=days, limit=limit, as_json=as_json))


@app.command("run", help="Run the bot: in Slack where tokens are set, else the local workspace.")
def _run(
    port: Annotated[int | None, typer.Option(help="Port to listen on; MXCUTOVER_PORT")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for the files; MXCUTOVER_DATA")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; MXCUTOVER_HOST")] = None,
) -> None:
    from bot.cli.run import run
    from bot.settings import Settings

    given = {"port": port, "data": data, "host": host}
    settings = Settings()
    chosen = {name: value for name, value in given.items() if value is not None}
    raise typer.Exit(run(settings.model_copy(update=chosen)))
