"""``docs/params.md``: every key of ``params.yaml`` with type, default and meaning, made from the typed classes.

``python -m medcnn.params.document`` writes the page.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from medcnn.params.shared.base import Block
from medcnn.params.whole import Params

PAGE = Path("docs/params.md")
_HEAD = """# params.yaml, key by key

Made from the classes in `medcnn/params/` by `python -m medcnn.params.document`; do not edit it by hand.
`dvc exp run -S KEY=VALUE` sets any of these keys for one run, whether a block states it or takes it over from
`defaults` with `<<`. `S` is the name of a study, `P` of a policy, `M` of a model, `E` of an encoder.
Numbers in brackets are limits: `[0, 1)` is from 0 to below 1.
"""
_NAMES = {"studies": "S", "augment": "P", "models": "M", "encoders": "E"}
_WORDS = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`"}


def page() -> str:
    """The whole page, in Markdown."""
    # Blocks that several kinds have in common are shown once.
    return "\n".join(dict.fromkeys([_HEAD, *_tables(Params, "", "")]))


def _tables(kind: type[Block], at: str, note: str) -> Iterator[str]:
    """The table of a block's own keys, then the tables of the blocks within it."""
    own: list[str] = []
    inner: list[tuple[type[Block], str, bool]] = []
    for key, field in kind.model_fields.items():
        path = f"{at}.{key}".strip(".")
        named = get_args(field.annotation)[1] if path in _NAMES else field.annotation
        blocks = [part for part in _parts(named) if isinstance(part, type) and issubclass(part, Block)]
        if blocks:
            place = f"{path}.{_NAMES[path]}" if path in _NAMES else path
            inner += [(block, place, len(blocks) > 1) for block in blocks]
        else:
            own.append(f"| `{path}` | {_type(field)} | {_default(field)} | {_meaning(kind, key)} |")
    if own:
        title = f"## {f'`{at}`' if at else 'The file'}{note}"
        columns = "| key | type | default | meaning |\n|---|---|---|---|"
        yield "\n".join([title, "", (kind.__doc__ or "").replace("``", "`"), "", columns, *own, ""])
    for block, path, one_of_several in inner:
        tag = get_args(block.model_fields["kind"].annotation)[0] if one_of_several else ""
        yield from _tables(block, path, f", kind `{tag}`" if tag else "")


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The types that an annotation allows, None left out."""
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(part for inner in get_args(annotation) for part in _parts(inner))
    return () if annotation is NoneType else (annotation,)


def _type(field: FieldInfo) -> str:
    words = " or ".join(dict.fromkeys(_word(part) for part in _parts(field.annotation)))
    optional = NoneType in get_args(field.annotation)
    return f"{words}{_limits(field.metadata)}{' or empty' if optional else ''}"


def _word(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin is tuple:
        count = "" if inner[-1] is Ellipsis else f"{len(inner)} times "
        return f"list of {count}{' or '.join(map(_word, _parts(inner[0])))}"
    if origin is dict:
        return f"map from {_word(_parts(inner[0])[0])} to {' or '.join(map(_word, _parts(inner[1])))}"
    return _WORDS.get(kind, "any")


def _limits(metadata: list[Any]) -> str:
    """The least and the largest value, as an interval; '' where there are none."""
    signs = ("ge", "gt", "le", "lt")
    found = {sign: getattr(limit, sign) for limit in metadata for sign in signs if hasattr(limit, sign)}
    if not found:
        return ""
    low = f"({found['gt']}" if "gt" in found else f"[{found['ge']}"
    high = f"{found['lt']})" if "lt" in found else f"{found['le']}]" if "le" in found else "∞)"
    return f" {low}, {high}"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "must be given"
    if value is None or value in ("", {}):
        return ""
    return f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`"


def _meaning(kind: type[Block], key: str) -> str:
    """What the docstring below a field says, in the class that declares it."""
    for owner in kind.__mro__:
        if key in vars(owner).get("__annotations__", {}):
            return _docstrings(owner)[key]
    raise LookupError(f"{kind.__name__} has no field {key}")


def _docstrings(kind: type) -> dict[str, str]:
    (block,) = ast.parse(inspect.getsource(kind)).body
    found = {}
    for line in pairwise(block.body if isinstance(block, ast.ClassDef) else []):
        match line:
            case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(text))):
                found[key] = " ".join(text.split()).replace("``", "`")
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
