"""One line for what is wrong with ``params.yaml``: the key path, the fault, the valid choices."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def described(error: ValidationError, tree: Any, root: type[BaseModel]) -> str:
    """The first fault of a validation, in one line; an unknown key comes first, for it explains missing ones.

    Args:
        error: what pydantic found.
        tree: the value that was validated.
        root: the type that it was validated against.
    """
    faults = error.errors(include_url=False)
    fault = next((found for found in faults if found["type"] == "extra_forbidden"), faults[0])
    path = _keys(fault["loc"], tree, absent=fault["type"] == "missing")
    where = ".".join(path)
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key; {_suggestion(path, root)}"
    if not path and fault["type"] == "model_type":
        return "holds no keys; take it back from the repository (`git checkout params.yaml`)"
    given = fault.get("input")
    if fault["type"] == "tuple_type":
        return f"{where}: is a list: write [{given}]"
    message = fault["msg"].removeprefix("Value error, ")
    shown = f" (got {given!r})" if isinstance(given, (str, int, float, bool)) else ""
    return f"{where}: {message}{shown}" if where else message


def _keys(location: tuple[int | str, ...], tree: Any, *, absent: bool) -> list[str]:
    """The key path in the file; pydantic also puts the tag of a union there, which is no key."""
    keys: list[str] = []
    for part in location:
        in_list = isinstance(tree, (list, tuple)) and isinstance(part, int) and part < len(tree)
        if in_list or (isinstance(tree, dict) and part in tree):
            tree = tree[part]
        elif not (absent and part == location[-1]):
            continue
        keys.append(str(part))
    return keys


def _suggestion(path: list[str], root: type[BaseModel]) -> str:
    choices = sorted(_fields(path[:-1], root))
    near = difflib.get_close_matches(path[-1], choices, n=1)
    return (f"did you mean '{near[0]}'? " if near else "") + f"valid keys: {', '.join(choices)}"


def _fields(path: list[str], root: type[BaseModel]) -> set[str]:
    """The names of the fields that a block at a key path may have."""
    blocks = [root]
    for key in path:
        found = [block.model_fields[key].annotation for block in blocks if key in block.model_fields]
        # A key that is no field is a name that the user gave, such as that of a study.
        blocks = [inner for annotation in found for inner in _blocks(annotation)] or blocks
    return {field for block in blocks for field in block.model_fields}


def _blocks(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _blocks(inner)
