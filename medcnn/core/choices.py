"""What to say of a name that is not among those that there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def offer(name: str, choices: Iterable[str]) -> str:
    """The closest of the choices, if one is close, and all: ``did you mean 'deep'? choose from simple, deep``."""
    names = tuple(choices)
    close = difflib.get_close_matches(name, names, 1)
    meant = f"did you mean '{close[0]}'? " if close else ""
    return f"{meant}choose from {', '.join(names)}" if names else "there is none"
