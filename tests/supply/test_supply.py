"""What the bot is built from and how it runs, as far as files tell."""

import re
import tomllib

from tests.supply.audit import ROOT, faults, locked


def test_every_package_is_locked_by_hash_with_a_known_licence() -> None:
    assert list(faults()) == []
    assert len(locked()) > 50


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    names = {re.sub(r"[._-]+", "-", re.split(r"[\[<>=~!; ]", one)[0]).lower() for one in wanted}
    assert names <= {package.name for package in locked()}


def test_the_image_runs_as_nobody_in_particular_on_a_root_that_cannot_be_written() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    last_stage = lines[max(n for n, line in enumerate(lines) if line.startswith("FROM ")) :]
    users = [line.split()[1] for line in last_stage if line.startswith("USER ")]
    assert users and users[-1] not in ("root", "0")
    assert any(re.search(rf"useradd .*--uid [1-9]\d{{3,}}.* {users[-1]}\b", line) for line in last_stage)
    assert any(line == "VOLUME /data" for line in last_stage)
    after = last_stage[last_stage.index(f"USER {users[-1]}") :]
    assert not any(line.startswith(("COPY", "ADD", "RUN")) for line in after)
    compose = (ROOT / "compose.yml").read_text(encoding="utf-8")
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", '"127.0.0.1:3000:3000"'):
        assert line in compose
    for line in lines:
        assert not re.search(r"(?i)(token|secret|password)\s*=", line)
