"""The READMEs' tables of settings, made from the settings: `python -m tests.docs.settings_table`."""

from pathlib import Path

from bot.content import say
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
READMES = {"en": ROOT / "README.md", "ja": ROOT / "README.ja.md"}
START, END = "<!-- settings -->\n", "<!-- /settings -->\n"
HEAD = {"en": "| setting | default | what it is |", "ja": "| 設定 | 既定値 | 内容 |"}


def names() -> dict[str, str]:
    """Each field's environment variable."""
    prefix = Settings.model_config.get("env_prefix", "")
    return {
        field: str(info.validation_alias or f"{prefix}{field}".upper())
        for field, info in Settings.model_fields.items()
    }


def default(field: str) -> str:
    value = Settings.model_fields[field].default
    if value is None or value == ():
        return ""
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


def table(lang: str) -> str:
    """The table in `lang`, with a line for every setting."""
    lines = [HEAD[lang], "| --- | --- | --- |"]
    lines += [
        f"| `{name}` | {default(field)} | {say(f'setting.{field}', lang)} |"
        for field, name in names().items()
    ]
    return "\n".join(lines) + "\n"


def written(lang: str) -> str:
    """What the README has between its marks."""
    text = READMES[lang].read_text(encoding="utf-8")
    return text.split(START, 1)[1].split(END, 1)[0]


def main() -> None:
    for lang, file in READMES.items():
        text = file.read_text(encoding="utf-8")
        before, rest = text.split(START, 1)
        after = rest.split(END, 1)[1] if END in rest else rest
        file.write_text(f"{before}{START}{table(lang)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
