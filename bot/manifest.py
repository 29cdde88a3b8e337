"""The app's manifest, as Slack takes it: read from beside the package, or from inside an installed one."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from bot.content import load_yaml


def load_manifest() -> Mapping[str, Any]:
    """Raises FileNotFoundError where neither a checkout nor the package has it."""
    beside = Path(__file__).resolve().parent.parent / "manifest.yml"
    text = (
        beside.read_text(encoding="utf-8")
        if beside.is_file()
        else files("bot").joinpath("manifest.yml").read_text(encoding="utf-8")
    )
    manifest: Mapping[str, Any] = load_yaml(text, "manifest.yml")
    return manifest
