"""Figures in the READMEs are the measured ones of bench/results."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"


def result(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())


def measured() -> list[tuple[str, str]]:
    """What each row of the table is to say: ours, and beside it."""
    acknowledged = result("acknowledge")["sides"]
    looks = result("reminders")["rows"]["1000000"]
    dns, watch = result("dns_checks"), result("watch")
    return [
        (f"{acknowledged['ours']['p50_ms']:.2f}", f"{acknowledged['bolt_before']['p50_ms']:.2f}"),
        (f"{looks['ours']['look_us'] / 1000:.2f}", f"{looks['apscheduler']['look_us'] / 1000:.2f}"),
        (f"{dns['ours']['per_s']:.1f}", f"{dns['checkdmarc_per_s']:.2f}"),
        (f"{watch['ours']['late_p99_ms']}", f"{watch['asyncquery']['late_p99_ms']}"),
    ]


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_the_table_says_what_was_measured(readme: str) -> None:
    text = (ROOT / readme).read_text()
    table = text.split("<!-- figures -->")[1].split("<!-- /figures -->")[0]
    rows = [line.strip("|").split("|") for line in table.strip().splitlines()[2:]]
    said = [(row[1].strip(), re.split(r"[ （(]", row[2].strip())[0]) for row in rows]
    assert said == measured()


def test_the_fault_run_that_is_spoken_of_lost_and_doubled_nothing() -> None:
    lines = (RESULTS / "chaos.md").read_text().splitlines()
    rows = {cells[1].strip(): [c.strip() for c in cells[2:-1]] for cells in (x.split("|") for x in lines[2:])}
    assert rows[""] == ["sqlite", "postgresql"]
    assert (rows["reminders"], rows["kills"]) == (["1000"] * 2, ["30"] * 2)
    for what in ("reminders lost", "reminders doubled", "of what people did: accepted and lost"):
        assert rows[what] == ["0", "0"], what
