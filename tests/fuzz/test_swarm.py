"""A short run of what `make fuzz` does at length."""

import time

import pytest

from tests.fuzz.swarm import PARSERS, Parser, run


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_no_input_is_too_much(parser: Parser) -> None:
    assert run(parser, 400, seed=20261201) is None


def test_a_fault_is_found_and_told() -> None:
    def burn(_: str) -> None:
        end = time.process_time() + 0.11
        while time.process_time() < end:
            pass

    def fail(text: str) -> None:
        raise KeyError(text)

    make = PARSERS[0].make
    assert "ms for" in str(run(Parser("slow", make, burn), 3, 1))
    assert "KeyError" in str(run(Parser("broken", make, fail), 3, 1))
