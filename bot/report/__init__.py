"""The report of a cutover: what was, what was done, by whom, and what came of it."""

from bot.report.build import Report, Section, build
from bot.report.export import history_csv, history_json
from bot.report.html import to_html
from bot.report.markdown import to_markdown
from bot.report.picture import to_svg
from bot.report.raster import to_png

__all__ = [
    "Report",
    "Section",
    "build",
    "history_csv",
    "history_json",
    "to_html",
    "to_markdown",
    "to_png",
    "to_svg",
]
