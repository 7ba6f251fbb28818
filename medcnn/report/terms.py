"""The words of the page, which are those of the documentation's glossary."""

from __future__ import annotations

import re
from pathlib import Path

_GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
_FIELD = "## Terms of the field"
_ROW = re.compile(r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)
_HEADINGS = ("term", "---")


def terms() -> dict[str, str]:
    """The terms of the field and what they mean, as ``docs/glossary.md`` has them; none where it is not there."""
    if not _GLOSSARY.exists():
        return {}
    table = _GLOSSARY.read_text(encoding="utf-8").partition(_FIELD)[2].partition("\n## ")[0]
    rows = ((row["term"].strip(), row["meaning"].strip()) for row in _ROW.finditer(table))
    return {term: meaning.replace("`", "") for term, meaning in rows if term not in _HEADINGS}
