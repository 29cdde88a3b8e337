"""What the bot is built from: the lock's packages, their hashes and licences, and known vulnerabilities.

`python -m tests.supply.audit` prints the licences, then asks pip-audit. The lock alone serves for everything
but the advisories, which have to be fetched: without a network they are said to be unchecked (exit 0, or 3
with --strict). Exit 1: something is wrong.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "uv.lock"
TOOLS = ROOT / ".tools" / "audit"
PIP_AUDIT = "pip-audit==2.10.1"
PERMISSIVE = (
    "MIT", "BSD", "APACHE", "PSF", "PYTHON", "ISC", "UNLICENSE", "PUBLIC DOMAIN", "CC0", "ZLIB", "HPND",
)  # fmt: skip
# Weak copyleft: used as they are, not changed. Each was looked at.
KNOWN = {
    "certifi": "MPL-2.0: a list of authorities",
    "hypothesis": "MPL-2.0: tests only",
    "pathspec": "MPL-2.0: a part of mypy",
    "psycopg": "LGPL-3.0: imported, not changed; extra `postgres`",
    "psycopg-binary": "LGPL-3.0: imported, not changed; extra `postgres`",
    "publicsuffixlist": "MPL-2.0: the list and its reader",
    "resvg-py": "MIT by its LICENSE file; its metadata name none",
}


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of the lock. `hashes`: one a file that may be installed."""

    name: str
    version: str
    registry: str
    hashes: tuple[str, ...]


def locked() -> list[Locked]:
    """Every package that the lock takes from elsewhere, by name."""
    data = tomllib.loads(LOCK.read_text(encoding="utf-8"))
    found = []
    for package in data["package"]:
        source = package["source"]
        if "editable" in source or "virtual" in source:
            continue
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        hashes = tuple(str(file.get("hash", "")) for file in files)
        found.append(Locked(package["name"], package["version"], source.get("registry", str(source)), hashes))
    return sorted(found, key=lambda one: one.name)


def licence(name: str) -> str | None:
    """As the installed package says; None where it is not installed here (another platform's)."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if "License-Expression" in about:
        return str(about["License-Expression"])
    classified = [
        line.rpartition(":: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    free = str(about["License"]).strip() if "License" in about else ""
    first_line = (free.splitlines() or [""])[0]
    return "; ".join(classified) or first_line[:60] or "?"


def faults() -> Iterator[str]:
    """What the lock and the licences have wrong; asks nobody."""
    for package in locked():
        if not package.hashes or not all(value.startswith("sha256:") for value in package.hashes):
            yield f"{package.name}: a file without a hash"
        if not package.registry.startswith("https://"):
            yield f"{package.name}: not from a registry over HTTPS: {package.registry}"
        said = licence(package.name)
        if said is None or package.name in KNOWN:
            continue
        if not any(word in said.upper() for word in PERMISSIVE) or "GPL" in said.upper():
            yield f"{package.name}: the licence {said} has not been looked at"


def advisories(strict: bool) -> int:
    """Known vulnerabilities of the locked versions, by pip-audit."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".tools")}
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        export = [sys.executable, "-m", "uv", "export", "--quiet", "--locked", "--all-extras", "--all-groups"]
        subprocess.run(
            [*export, "--no-emit-project", "--output-file", str(wanted)],
            cwd=ROOT, env=environment, check=True, capture_output=True,
        )  # fmt: skip
        if not (TOOLS / "pip_audit").is_dir():
            pip = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(TOOLS), PIP_AUDIT]
            if subprocess.run(pip, env=environment, check=False).returncode:
                return _unchecked("pip-audit cannot be installed", strict)
        audit = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-r", str(wanted)],
            env={**os.environ, "PYTHONPATH": str(TOOLS)},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
    unreachable = ("ConnectionError", "ServiceError", "Max retries", "NameResolution", "Could not connect")
    if audit.returncode and any(sign in audit.stderr for sign in unreachable):
        return _unchecked("the advisories cannot be reached", strict)
    skipped = (audit.stdout + audit.stderr).count("could not be audited")
    if skipped:
        return _unchecked(f"the advisories know {skipped} of {len(locked())} packages not at all", strict)
    print(audit.stdout + audit.stderr)
    return 1 if audit.returncode else 0


def _unchecked(why: str, strict: bool) -> int:
    print(f"NOT CHECKED for known vulnerabilities: {why}.")
    return 3 if strict else 0


def main() -> int:
    for package in locked():
        said = KNOWN.get(package.name) or licence(package.name) or "(not installed here)"
        print(f"{package.name} {package.version}: {said}")
    wrong = list(faults())
    for line in wrong:
        print(line, file=sys.stderr)
    checked = advisories(strict="--strict" in sys.argv)
    return 1 if wrong else checked


if __name__ == "__main__":
    raise SystemExit(main())
