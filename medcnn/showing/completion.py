"""``medcnn completion SHELL``: a script with which a shell completes commands, flags, studies and models.

Made by shtab, which DVC brings, and not by argcomplete, which starts Python at every Tab: the script knows the
commands, and reads the names of studies and models in ``params.yaml`` by awk.
"""

from __future__ import annotations

import argparse

import shtab

_NAMES = (
    """awk '/^[a-z]/ {{ inside = ($1 == "{block}:") }} """
    """inside && /^  [a-zA-Z0-9_]+:/ {{ sub(":.*", "", $1); print $1 }}' params.yaml 2>/dev/null"""
)
_STUDIES, _MODELS = (shtab.cmd(_NAMES.format(block=block)) for block in ("studies", "models"))
_COMPLETED = {
    "STUDY": _STUDIES,
    "NAME": _STUDIES,
    "MODEL": _MODELS,
    "M,...": _MODELS,
    "FILE": shtab.FILE,
    "IMAGE": shtab.FILE,
    "SOURCE": shtab.FILE,
    "PATH": shtab.FILE,
    "DIR": shtab.DIRECTORY,
}
"""What an argument is completed with, by its name in the help."""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell, of those of ``shtab.SUPPORTED_SHELLS``."""
    _mark(parser)
    return shtab.complete(parser, shell)


def _mark(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            # shtab leaves out what has no place in the help.
            action.help = None
            for command in dict.fromkeys(action.choices.values()):
                _mark(command)
        elif completed := _COMPLETED.get(str(action.metavar)):
            action.complete = completed  # type: ignore[attr-defined]
