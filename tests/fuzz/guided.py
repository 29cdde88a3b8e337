"""The same parsers, led by coverage: Atheris keeps the inputs that reach new lines, and mutates those.

`python -m tests.fuzz.guided [inputs] [parser …]`. Each parser runs in a process of its own, because
libFuzzer ends its process; a crash or an input of over two seconds is printed with the input. Where
Atheris is not installed (it has no package for every system) it says so and ends with 0.
"""

import importlib.util
import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SKIPPED = ("payloads", "mta-sts records")  # their inputs are trees and lists; the swarm makes those
HANG_SECONDS = 2  # instrumented code is several times slower; what is slow in earnest the swarm measures


def guide(name: str, inputs: int, corpus: Path) -> None:
    """Fuzz one parser in this process, which then ends. Raises nothing that it would survive."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["bot.domain", "bot.dns", "bot.slack", "bot.matching"]):
        import structlog

        from tests.fuzz.swarm import PARSERS

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parser = next(parser for parser in PARSERS if parser.name == name)
    binary = name == "packets"

    def one(data: bytes) -> None:
        given: Any = data if binary else data.decode("utf-8", "replace")
        parser.read(given)

    _seed(parser.make, corpus, binary=binary)
    options = [f"-atheris_runs={inputs}", f"-timeout={HANG_SECONDS}", "-max_len=4096", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/crash-", str(corpus)], one)
    atheris.Fuzz()


def _seed(make: Any, corpus: Path, *, binary: bool) -> None:
    """A few hundred of the swarm's inputs to begin with."""
    import random

    chance = random.Random(1)
    for number in range(300):
        made = make(chance)
        data = made if binary else made.encode("utf-8", "replace")
        (corpus / f"seed-{number}").write_bytes(data[:4096])


def main(words: Sequence[str]) -> int:
    if importlib.util.find_spec("atheris") is None:
        print("Atheris is not installed here: NOT RUN")
        return 0
    if words and words[0] == "--one":
        guide(words[1], int(words[2]), Path(words[3]))
        return 0
    from tests.fuzz.swarm import PARSERS

    inputs = int(words[0]) if words else 20_000
    wanted = set(words[1:]) or {parser.name for parser in PARSERS} - set(SKIPPED)
    failed = 0
    for parser in PARSERS:
        if parser.name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as corpus:
            command = [sys.executable, "-m", "tests.fuzz.guided", "--one", parser.name, str(inputs), corpus]
            ended = subprocess.run(command, capture_output=True, text=True, errors="replace")
            kept = len(list(Path(corpus).glob("*"))) - 300
            crashes = [*Path(corpus).glob("crash-*")]
            if not crashes and f"Done {inputs} " in ended.stderr:
                print(f"{parser.name}: {inputs} inputs, {kept} of them reached something new", flush=True)
                continue
            failed += 1
            print(f"{parser.name}: ended with {ended.returncode}; {ended.stderr[-3000:]}")
            for crash in crashes:
                print(f"{parser.name}: {crash.read_bytes()!r:.2000}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
