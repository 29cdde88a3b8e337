"""A report as one HTML file without anything from outside: it can be mailed, kept and printed."""

from collections.abc import Iterable
from html import escape

from bot.report.build import Report, Section

_STYLE = """
body{font:15px/1.6 system-ui,"Hiragino Sans","Noto Sans JP","Yu Gothic UI",Meiryo,sans-serif;color:#1d1c1d;
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #ddd}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;
border-bottom:1px solid #eee;overflow-wrap:anywhere}th{background:#f6f6f6;font-weight:600}
svg{max-width:100%;height:auto}pre{background:#f6f6f6;padding:.8rem;overflow-x:auto}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}
""".strip()


def to_html(report: Report, picture: str = "") -> str:
    """The whole document; every text is escaped, and nothing in it can run or load anything.

    `picture`: an SVG element of our own making (picture.to_svg), shown first.
    """
    body = "\n".join(part for section in report.sections for part in _section(section))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="{escape(report.lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        f"<h1>{escape(report.title)}</h1>\n{picture}{body}\n</body>\n</html>\n"
    )


def _section(section: Section) -> Iterable[str]:
    yield f"<h2>{escape(section.title)}</h2>"
    if section.rows:
        yield "<table>"
        if section.head:
            yield "<thead><tr>" + _cells(section.head, "th") + "</tr></thead>"
        yield "<tbody>"
        for row in section.rows:
            first = "" if section.head else f'<th scope="row">{escape(row[0])}</th>'
            yield f"<tr>{first}{_cells(row if section.head else row[1:], 'td')}</tr>"
        yield "</tbody></table>"
    if section.code:
        yield "<pre>" + escape("\n".join(section.code)) + "</pre>"
    if section.remark:
        yield f"<p>{escape(section.remark)}</p>"


def _cells(cells: Iterable[str], tag: str) -> str:
    return "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
