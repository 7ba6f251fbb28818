"""Audit the pinned dependencies with pip-audit, and list the installed ones in the CycloneDX format.

    .ci/audit [--requirement FILE] [--ignored FILE] [further arguments of pip-audit]

A line of .ci/audit-ignored is ``ID YYYY-MM-DD REASON``: up to that day the vulnerability does not fail the audit.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

BUILD = Path("build")
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "ServiceError")


def main() -> int:
    """Return the exit code: 1 for a vulnerability, or for a pip-audit that does not work."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requirement", action="append", help="default: every requirements*.txt")
    parser.add_argument("--ignored", type=Path, default=Path(".ci/audit-ignored"))
    options, further = parser.parse_known_args()
    BUILD.mkdir(exist_ok=True)
    (BUILD / "dependencies.cdx.json").write_text(json.dumps(installed(), indent=2) + "\n")
    report = BUILD / "audit.json"
    report.unlink(missing_ok=True)
    said = audited(options.requirement or sorted(map(str, Path().glob("requirements*.txt"))), report, further)
    if not report.exists():
        reason = said.splitlines()[-1] if said else "pip-audit said nothing"
        if any(name in reason for name in UNREACHABLE):
            print(f"NOT AUDITED: the database of vulnerabilities could not be reached ({reason.split(':')[0]})")
            return 0
        print(f"the audit failed: {reason}")
        return 1
    return judged(json.loads(report.read_text())["dependencies"], ignored(options.ignored))


def audited(lists: Sequence[str], report: Path, further: Sequence[str]) -> str:
    """Let pip-audit write its report; what it said on standard error."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps"]
    command += [part for name in lists for part in ("--requirement", name)]
    command += ["--progress-spinner", "off", "--format", "json", "--output", str(report), *further]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own arguments)
    return done.stderr.strip()


def judged(packages: Sequence[Mapping[str, Any]], excused: Mapping[str, str]) -> int:
    """Print what was found, and return the exit code."""
    # An index without such data answers "not found", which pip-audit takes for harmless.
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        print(f"NOT AUDITED: the database knows none of {len(packages)} packages; is the index a mirror without it?")
        return 0
    found = [(package, vulnerability) for package in packages for vulnerability in package.get("vulns", ())]
    failing = 0
    for package, vulnerability in found:
        names = {vulnerability["id"], *vulnerability.get("aliases", ())}
        reason = next((excused[name] for name in names if name in excused), None)
        failing += reason is None
        versions = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        verdict = f"fixed in {versions}" if reason is None else f"ignored {reason}"
        print(f"{package['name']} {package['version']}: {vulnerability['id']}, {verdict}")
    known = len(packages) - len(unknown)
    print(f"audited {known} of {len(packages)} packages: {len(found)} vulnerabilities, {len(found) - failing} ignored")
    if unknown:
        print(f"not in the database: {', '.join(unknown)}")
    return int(failing > 0)


def ignored(path: Path) -> dict[str, str]:
    """Until when and why, by vulnerability; those whose day is over are left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [line.split(maxsplit=2) for line in lines if line.strip() and not line.startswith("#")]
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return {
        name: f"until {day}: {reason}" for name, day, reason in entries if datetime.date.fromisoformat(day) >= today
    }


def installed() -> dict[str, Any]:
    """The packages of this environment with their licences, as a CycloneDX bill of materials."""
    found = {package.metadata["Name"]: package for package in metadata.distributions()}
    components = [_component(found[name]) for name in sorted(found, key=str.lower)]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


def _component(package: metadata.Distribution) -> dict[str, Any]:
    name, facts = package.metadata["Name"], package.metadata
    classifiers = [line.split(" :: ")[-1] for line in facts.get_all("Classifier", []) if line.startswith("License ::")]
    stated = [line for key in ("License-Expression", "License") for line in facts.get_all(key, [])]
    licence = stated[0] if stated and "\n" not in stated[0] else ", ".join(classifiers)
    return {
        "type": "library",
        "name": name,
        "version": package.version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{package.version}",
        "licenses": [{"license": {"name": licence or "unknown"}}],
    }


if __name__ == "__main__":
    sys.exit(main())
