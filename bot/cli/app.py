"""The commands and their help. A command's work is in its own module, imported when it runs."""

import typer

app = typer.Typer(
    name="mxcutover",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Guides an MX cutover (MXレコード切替) to MAILGATES Σ / Cloud Mail SECURITYSUITE.",
)


@app.callback()
def _root() -> None:
    pass
