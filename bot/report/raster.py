"""SVG to PNG with a Japanese font of this machine, in a process of its own.

The renderer holds the interpreter's lock while it draws (0.1-0.3 s measured), so a thread would stop the
event loop all the same. Run as a script it imports nothing of the bot: SVG on stdin, PNG on stdout.
"""

import asyncio
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
# File of the regular face, of the bold one (or ""), family. The first that is found and has the glyphs.
KNOWN = (
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", "Noto Sans CJK JP"),
    ("NotoSansCJKjp-Regular.otf", "NotoSansCJKjp-Bold.otf", "Noto Sans CJK JP"),
    ("NotoSansJP-Regular.otf", "NotoSansJP-Bold.otf", "Noto Sans JP"),
    ("NotoSansJP-Regular.ttf", "NotoSansJP-Bold.ttf", "Noto Sans JP"),
    ("ipaexg.ttf", "", "IPAexGothic"),
    ("ipagp.ttf", "", "IPAPGothic"),
    ("ipag.ttf", "", "IPAGothic"),
    ("ヒラギノ角ゴシック W3.ttc", "ヒラギノ角ゴシック W6.ttc", "Hiragino Sans"),
    ("YuGothM.ttc", "YuGothB.ttc", "Yu Gothic"),
    ("meiryo.ttc", "meiryob.ttc", "Meiryo"),
    ("msgothic.ttc", "", "MS Gothic"),
)
SAMPLE = "切替済消滅推移応答新古キャシュ"
NOTHING = "\U0010fffd"  # a private character: what a font shows for it is what it shows for a missing one
SCALE = 2
NO_FONT = 3
SECONDS = 15.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Font:
    """A family, and the files that hold it."""

    family: str
    files: tuple[str, ...]


def fonts(folders: Iterable[Path] = FOLDERS) -> Iterable[Font]:
    """The known Japanese fonts that lie in `folders`, best first."""
    wanted = {name for regular, bold, _ in KNOWN for name in (regular, bold) if name}
    there: dict[str, str] = {}
    for folder in folders:
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.name in wanted:
                there.setdefault(path.name, str(path))
    for regular, bold, family in KNOWN:
        if regular in there:
            yield Font(family, tuple(there[name] for name in (regular, bold) if name in there))


def draw(svg: str, font: Font, scale: float = SCALE) -> bytes:
    """The PNG, `scale` pixels to a unit, every text in `font`. Raises ValueError for what is no SVG."""
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            skip_system_fonts=True,
            font_files=list(font.files),
            font_family=font.family,
            sans_serif_family=font.family,
            zoom=scale,
            background="#ffffff",
        )
    )


def has_japanese(font: Font) -> bool:
    """Whether the font draws each sample character as something else than a missing one."""
    missing = draw(_alone(NOTHING, font), font, 1)
    return all(draw(_alone(character, font), font, 1) != missing for character in SAMPLE[::4])


def _alone(character: str, font: Font) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24">'
        f'<text x="2" y="20" font-size="18" font-family="{font.family}">{character}</text></svg>'
    )


def japanese_font(folders: Iterable[Path] = FOLDERS) -> Font | None:
    """The font to draw with; None where this machine has none."""
    return next((font for font in fonts(folders) if has_japanese(font)), None)


async def to_png(svg: str, folders: Sequence[Path] = FOLDERS) -> bytes | None:
    """The picture as PNG; None where it cannot be drawn here (no Japanese font, no renderer, too slow)."""
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            __file__,
            *(str(folder) for folder in folders),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError:
        log.exception("the picture's renderer could not be started")
        return None
    try:
        png, said = await asyncio.wait_for(child.communicate(svg.encode()), SECONDS)
    except TimeoutError:
        log.warning("the picture took too long to draw")
        return None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == 0 and png:
        return png
    if child.returncode != NO_FONT:
        log.error("the picture could not be drawn: %s", said.decode(errors="replace")[-500:])
    return None


def main() -> int:
    font = japanese_font([Path(folder) for folder in sys.argv[1:]])
    if font is None:
        return NO_FONT
    sys.stdout.buffer.write(draw(sys.stdin.buffer.read().decode(), font))
    return 0


if __name__ == "__main__":
    sys.exit(main())
