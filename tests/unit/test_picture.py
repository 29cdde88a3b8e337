"""The picture as an image: Japanese as Japanese, nothing where no font has it, any size of cutover."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.timeline import Row, Timeline, timeline
from bot.report import raster, to_png, to_svg
from bot.report.picture import LONGEST_NAME, MOST_ROWS, _columns, _cut
from bot.slack.files import drawn, inline
from bot.slack.rendered import File, Rendered
from bot.slack.voice import Voice
from tests.unit.test_timeline import CHANGED, LOOKS

FONT = raster.japanese_font()
needs_font = pytest.mark.skipif(FONT is None, reason="no Japanese font here (apt install fonts-noto-cjk)")
LATIN = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


@pytest.fixture
def line() -> Timeline:
    found = timeline(CHANGED, LOOKS)
    assert found is not None
    return found


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@needs_font
def test_each_japanese_character_is_drawn_as_itself() -> None:
    assert FONT is not None
    pictures = [raster.draw(raster._alone(character, FONT), FONT) for character in raster.SAMPLE]
    missing = raster.draw(raster._alone(raster.NOTHING, FONT), FONT)
    assert missing not in pictures
    assert len(set(pictures)) == len(raster.SAMPLE)


@pytest.mark.skipif(not LATIN.exists(), reason="no Latin font here")
def test_a_font_without_japanese_is_told_from_one_with_it() -> None:
    assert not raster.has_japanese(raster.Font("DejaVu Sans", (str(LATIN),)))


@needs_font
@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_the_picture_becomes_an_image(line: Timeline, lang: str) -> None:
    png = await to_png(to_svg(line, lang, domain="日本語.jp"))
    assert png is not None
    assert size(png)[0] == 2000


async def test_without_a_font_there_is_no_image(line: Timeline, tmp_path: Path) -> None:
    assert await to_png(to_svg(line, "ja"), [tmp_path]) is None


@needs_font
async def test_what_is_no_svg_gives_no_image() -> None:
    assert await to_png("<svg") is None


@needs_font
async def test_a_long_domain_and_many_servers_fit(line: Timeline) -> None:
    domain = ".".join(["x" * 61] * 4)[:250] + ".jp"
    hosts = [f"ns{n}.{domain[: 253 - 6]} (2001:db8:aaaa:bbbb:cccc:dddd:eeee:{n:04x})" for n in range(70)]
    rows = (*(Row(host, False, line.rows[0].spans) for host in hosts), line.rows[2])
    svg = to_svg(replace(line, rows=rows), "ja", domain=domain)
    assert domain not in svg
    assert "キャッシュ cache.example" in svg  # the caches are not what is left out
    assert f"{len(rows) - MOST_ROWS}" in svg
    png = await to_png(svg)
    assert png is not None
    assert size(png)[0] == 2000


@pytest.mark.parametrize("text", ["ns1.example.jp (192.0.2.1)", "a" * 253 + " (192.0.2.1)", "日本語" * 30])
def test_a_name_keeps_its_end(text: str) -> None:
    shown = _cut(text, LONGEST_NAME)
    assert _columns(shown) <= LONGEST_NAME
    assert shown[-8:] == text[-8:]


@needs_font
async def test_a_pictures_file_is_sent_as_an_image(line: Timeline) -> None:
    svg = File("timeline-a.svg", to_svg(line, "ja").encode(), picture=True)
    text = File("report-a.md", b"# report")
    shown = await drawn(Rendered("text", None, (text, svg)))
    assert [file.name for file in shown.files] == ["report-a.md", "timeline-a.png"]
    size(shown.files[1].content)


async def test_where_nothing_can_be_drawn_the_svg_is_sent(
    line: Timeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(to_png, "__defaults__", ((tmp_path,),))
    svg = File("timeline-a.svg", to_svg(line, "ja").encode(), picture=True)
    assert (await drawn(Rendered("text", None, (svg,)))).files == (svg,)


@pytest.mark.parametrize("name", ["timeline-a.svg", "timeline-a.png"])
def test_where_no_file_may_be_sent_the_words_remain(name: str) -> None:
    shown = inline(Voice("ja"), Rendered("言葉", (), (File(name, b"\x89PNG", picture=name.endswith("svg")),)))
    assert shown.text == "言葉"
    assert "files:write" in str(shown.blocks)
