"""What was found in an image set, in a line for each thing, and as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from medcnn.init.looking import Look
from medcnn.init.proposing import Finding
from medcnn.measures.sample_size import HALF_WIDTH

_WIDTH = 11
_SAID = ("patients_unknown", "small_test")
"""Doubts of which lines of their own speak."""


def lines(look: Look, findings: Sequence[Finding]) -> Iterator[str]:
    """The survey as lines of text: a word, what it is, where that comes from."""
    about = {finding.about: finding for finding in findings}
    facts = look.facts
    yield _survey(look)
    yield _line("classes", _counted(facts.classes, " "), _origin(about.get("classes")))
    if (positive := about.get("positive")) is not None:
        yield _line("positive", positive.value or "none", _origin(positive))
    known = f"{facts.patients:,}" if facts.patients else "unknown"
    yield _line("patients", known, _origin(about.get("patients")))
    for finding in findings:
        if finding.about == "exclude":
            yield _line("left out", ", ".join(finding.value), _origin(finding))
    yield _line("problems", _problems(look) or "no copies, and all images can be read", "")
    yield _line("split", *_split(look, about.get("split")))
    yield _line("power", _power(look), "")
    for doubt in facts.doubts:
        if doubt.kind not in _SAID or (doubt.kind == "patients_unknown" and facts.patients):
            yield _line(doubt.severity, doubt.text, "")


def as_json(look: Look, findings: Sequence[Finding], study: str) -> dict[str, Any]:
    """The same as plain values; ``docs/data.md`` names the keys."""
    facts = look.facts.model_dump(mode="json")
    return {
        "study": study,
        "seconds": round(look.seconds, 3),
        "formats": look.formats,
        "median_size": list(look.median),
        "units": look.units,
        "accuracy_half_width": round(look.reach, 4),
        "test_units_needed": look.needed,
        "findings": [asdict(finding) for finding in findings],
        "survey": facts,
    }


def _line(word: str, what: str, origin: str) -> str:
    return f"{word:<{_WIDTH}}{what}" + (f"   {origin}" if origin else "")


def _survey(look: Look) -> str:
    sizes = look.facts.sizes
    least, most = f"{sizes.min_width} x {sizes.min_height}", f"{sizes.max_width} x {sizes.max_height}"
    size = least if least == most else f"{least} to {most}"
    modes = ", ".join(look.facts.modes)
    return f"{look.facts.images:,} images looked at in {look.seconds:.1f} s: {', '.join(look.formats)}, {size}, {modes}"


def _counted(counts: Mapping[str, int], between: str) -> str:
    return "   ".join(f"{name}{between}{count:,}" for name, count in counts.items())


def _origin(finding: Finding | None) -> str:
    if finding is None:
        return ""
    return finding.origin + (f": {finding.doubt}" if finding.doubt else "")


def _problems(look: Look) -> str:
    facts = look.facts
    copies = facts.duplicates
    counts = {
        "exact copies": copies.exact_images - copies.exact_groups,
        "near copies": (copies.near_images - copies.near_groups) - (copies.exact_images - copies.exact_groups),
        **facts.set_aside,
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def _split(look: Look, finding: Finding | None) -> tuple[str, str]:
    facts = look.facts
    kind = "patients" if facts.patients else "images or sets of copies"
    counts = " / ".join(f"{count:,}" for count in look.units.values())
    drawn = f"a plain random split would leak {facts.leak.random_split_fraction:.0%} of the held-out images"
    leaked, held_out = facts.leaked_before_repair
    if look.study.split.kind == "author":
        drawn = f"as published {leaked:,} of {held_out:,} held-out images leak (on_leak: {facts.on_leak}); {drawn}"
    unseen = "" if facts.patients else " at least, patients being unknown"
    return f"{counts} {kind}; {drawn}{unseen}", _origin(finding)


def _power(look: Look) -> str:
    tested, kind = look.units["test"], "patients" if look.facts.patients else "images or sets of copies"
    best = "" if look.facts.patients else " at best"
    small = any(doubt.kind == "small_test" for doubt in look.facts.doubts)
    cure = "; few: add patients, or use cross-validation (run.folds)" if small else ""
    known = f"{tested:,} {kind} in test: an accuracy of 0.90 would be known to about +- {look.reach:.2f}{best}"
    return f"{known}; +- {HALF_WIDTH:.2f} needs {look.needed:,}{cure}"
