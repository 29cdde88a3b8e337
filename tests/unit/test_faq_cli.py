"""`mxcutover ask`: its JSON contract, batches, languages, and what it says to bad usage."""

import json
import time
from pathlib import Path

import pytest

from bot.cli.ask import AskCommand, run
from bot.content.faq_loader import entry_ids


def ask(capsys: pytest.CaptureFixture[str], text: str, **more: object) -> dict[str, object]:
    assert run(AskCommand(text=text, as_json=True, **more)) == 0  # type: ignore[arg-type]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    return dict(json.loads(lines[0]))


def test_a_clear_question_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(capsys, "外部からのメールがまったくスパム判定されません")
    assert set(said) == {"decision", "entry", "candidates", "text"}
    assert (said["decision"], said["entry"]) == ("answer", "spam-not-judged")
    candidates = said["candidates"]
    assert isinstance(candidates, list) and len(candidates) == 3
    assert set(candidates[0]) == {"entry", "score"}
    assert candidates[0]["entry"] == "spam-not-judged"
    assert "自ドメイン許可設定" in str(said["text"])


def test_a_bare_complaint_is_asked_one_question_and_nothing_is_claimed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = ask(capsys, "届かない")
    assert (said["decision"], said["entry"]) == ("none", None)
    assert "どのメールが届かないのか" in str(said["text"])
    assert "外部からのメールが届かない" in str(said["text"])


def test_a_foreign_question_is_refused_kindly(capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(capsys, "お昼は何にしますか")
    assert (said["decision"], said["entry"]) == ("none", None)
    assert "うまく読み取れませんでした" in str(said["text"])


def test_what_is_close_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(capsys, "TTL")
    assert (said["decision"], said["entry"]) == ("choose", None)
    entries = [candidate["entry"] for candidate in said["candidates"]]  # type: ignore[attr-defined]
    assert len(entries) == 3 and set(entries) <= set(entry_ids())


@pytest.mark.parametrize(
    ("text", "lang", "word"),
    [
        ("how do I roll back", None, "What to do"),
        ("how do I roll back", "ja", "対処"),
        ("切り戻しの手順は", None, "対処"),
        ("切り戻しの手順は", "en", "What to do"),
    ],
)
def test_the_language_is_the_questions_unless_told(
    capsys: pytest.CaptureFixture[str], text: str, lang: str | None, word: str
) -> None:
    assert word in str(ask(capsys, text, lang=lang)["text"])


def test_each_line_has_its_answer_whatever_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "questions.txt"
    sjis = "切り戻しの手順は".encode("cp932")
    odd = "TTLの\x0c調べ方\u2028は".encode()
    file.write_bytes(b"\r\n".join([sjis, b"", b"\xff\xfe\xfd\x81", odd, b"x" * 300_000]))
    assert run(AskCommand(batch=str(file), as_json=True)) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]
    assert len(said) == 5
    assert said[0]["entry"] == "rollback"
    assert (said[1]["decision"], said[3]["entry"]) == ("none", "how-to-check-ttl")


def test_the_text_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    text = str(ask(capsys, "切り戻しの手順は")["text"])
    assert "*" not in text and "`" not in text and "\n\n\n" not in text


def test_a_batch_gives_one_line_each_and_loads_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("\ufeff旧サーバーに全部届く\n\nmail loops\n" + "TTLの調べ方\n" * 497, encoding="utf-8")
    began = time.process_time()
    assert run(AskCommand(batch=str(file), as_json=True)) == 0
    assert time.process_time() - began < 30  # loading aside, some milliseconds a line
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 500
    assert [row["entry"] for row in rows[:3]] == ["still-on-old-service", None, "mail-loop"]


@pytest.mark.parametrize(
    "command",
    [
        AskCommand(),
        AskCommand(text="x", batch="y"),
        AskCommand(text="x", lang="fr"),
        AskCommand(batch="/no/such/file"),
        AskCommand(text="x", domain="not a domain"),
    ],
)
def test_bad_usage_is_explained(command: AskCommand, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.strip() and "Traceback" not in said.err


def test_a_binary_file_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "binary"
    file.write_bytes(b"\xff\xfe\x00\x81")
    assert run(AskCommand(batch=str(file))) == 2
    assert "binary" in capsys.readouterr().err


def test_a_domain_that_cannot_be_looked_at_still_gets_an_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MXCUTOVER_NAMESERVERS", "127.0.0.1:9")
    said = ask(capsys, "外部からメールが全く届かない", domain="example.co.jp")
    assert said["entry"] == "no-mail-from-outside"
    assert "確認できませんでした" in str(said["text"])
