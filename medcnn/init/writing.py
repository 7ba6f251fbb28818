"""The block of a study, written into the text of ``params.yaml`` so that every other byte stays as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from medcnn.core.errors import ParamsError

_INHERITED = {
    "source": "source",
    "labels": "labels",
    "labels.csv": "csv",
    "split": "split",
    "split.duplicates": "duplicates",
    "images": "images",
    "images.views": "views",
    "images.greys": "greys",
}
"""The blocks of a study that take over usual values, and the anchors of those in ``defaults``."""
_WIDEST = 120
_INDENT = "  "


def added(text: str, name: str, study: Mapping[str, Any], *, force: bool = False) -> tuple[str, int]:
    """The text of a params file with one study more, after the others.

    Args:
        text: the file.
        name: of the study.
        study: its block, as far as it differs from the usual values.
        force: put it in the place of a study of that name.

    Returns:
        The text, and how many lines the block has.

    Raises:
        ParamsError: there is a study of that name, or no block ``studies``.
    """
    tree = YAML().load(text)
    studies = tree.get("studies") if isinstance(tree, CommentedMap) else None
    if not isinstance(studies, CommentedMap) or studies.fa.flow_style():
        raise ParamsError(
            "params.yaml has no block `studies:` with a line for each study; start from the project's file"
        )
    if name in studies and not force:
        raise ParamsError(
            f"params.yaml: studies.{name} is there already; choose another --name, or replace it by --force"
        )
    anchors = set(re.findall(r"&(\w+)", text))
    lines = text.splitlines(keepends=True)
    column = studies.lc.col
    first, last = _place(lines, tree, studies, name)
    block = _lines(name, dict(study), "", anchors, " " * column)
    gap = [] if name in studies else ["\n"]
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:first], *gap, *block, *lines[last:]]), len(block)


def _place(lines: list[str], tree: CommentedMap, studies: CommentedMap, name: str) -> tuple[int, int]:
    """The lines from the first to before the last that the block takes; none where the study is new."""
    starts = sorted(studies.lc.key(key)[0] for key in studies if key in studies.lc.data)
    start_of_studies = tree.lc.key("studies")[0]
    after = min((line for key in tree if (line := tree.lc.key(key)[0]) > start_of_studies), default=len(lines))
    if name not in studies:
        end = _without_comments(lines, after)
        return end, end
    first = studies.lc.key(name)[0]
    return first, _without_comments(lines, next((line for line in starts if line > first), after))


def _without_comments(lines: list[str], end: int) -> int:
    """The end of a block before the blank lines and comments that belong to what follows it."""
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _lines(key: str, value: Any, path: str, anchors: Collection[str], indent: str) -> list[str]:
    """A key and its value: on one line where that is short and no list, else one line for each item."""
    key = _scalar(key)
    if isinstance(value, list):
        return [f"{indent}{key}:\n", *(f"{indent}- {_scalar(item)}\n" for item in value)]
    if not isinstance(value, dict):
        return [f"{indent}{key}: {_scalar(value)}\n"]
    block = _inheriting(value, path, anchors)
    line = f"{indent}{key}: {_flow(block, path, anchors)}\n"
    if path in _INHERITED and len(line) <= _WIDEST and not any(map(_is_tall, value.values())):
        return [line]
    inner = (
        _lines(name, item, f"{path}.{name}".lstrip("."), anchors, indent + _INDENT) for name, item in block.items()
    )
    merged = [f"{indent}{_INDENT}<<: *{_INHERITED[path]}\n"] if _INHERITED.get(path) in anchors else []
    return [f"{indent}{key}:\n", *merged, *(line for lines in inner for line in lines)]


def _inheriting(block: Mapping[str, Any], path: str, anchors: Collection[str]) -> dict[str, Any]:
    """A block with all those nested in it that take over usual values."""
    nested = [key.rpartition(".")[2] for key in _INHERITED if path and key.rpartition(".")[0] == path]
    missing = (key for key in nested if _INHERITED[f"{path}.{key}"] in anchors and key not in block)
    return {**block, **{key: {} for key in missing}}


def _is_tall(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and len(value) > 1)


def _flow(block: Mapping[str, Any], path: str, anchors: Collection[str]) -> str:
    merged = [f"<<: *{_INHERITED[path]}"] if _INHERITED.get(path) in anchors else []
    items = [
        f"{_scalar(key)}: {_flow(_inheriting(value, f'{path}.{key}', anchors), f'{path}.{key}', anchors)}"
        if isinstance(value, dict)
        else f"{_scalar(key)}: {_scalar(value)}"
        for key, value in block.items()
    ]
    return f"{{{', '.join([*merged, *items])}}}"


def _scalar(value: Any) -> str:
    """A value as YAML 1.2 writes it, in quotes where it would be something else without."""
    yaml, text = YAML(), StringIO()
    yaml.default_flow_style, yaml.width = True, 100_000
    yaml.dump([value], text)
    return text.getvalue().strip()[1:-1]
