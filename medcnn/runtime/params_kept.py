"""Leave ``params.yaml`` as it was found: DVC's ``-S`` writes into it, drops its comments, and leaves it so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths


@contextmanager
def params_kept(keys: Sequence[str], path: Path = paths.PARAMS) -> Iterator[None]:
    """Put ``path`` back when the block ends, also by an exception.

    What the user edits meanwhile, under other keys than ``keys``, stays. The file as it was found lies in the state
    folder until then, so that ``put_back`` can put it back after a process that was killed.

    Args:
        keys: the key paths that the block changes, such as ``run.models``.
        path: the params file.
    """
    record = _record()
    files.write_json(record, {"keys": list(keys), "text": path.read_text(encoding="utf-8")})
    try:
        yield
    finally:
        put_back(path)


def put_back(path: Path = paths.PARAMS) -> bool:
    """Put the params file back as the last ``params_kept`` found it, if that was killed; say whether it was.

    Raises:
        MedcnnError: the file is no params file any more.
    """
    record = _record()
    if not record.exists():
        return False
    known = files.read_json(record)
    try:
        text = restored(path.read_text(encoding="utf-8"), known["text"], known["keys"])
    except (YAMLError, AttributeError, TypeError) as error:
        raise MedcnnError(
            f"{path} was changed into something else while a study ran; as it was before, it lies in {record}"
        ) from error
    files.write_text(path, text)
    record.unlink()
    return True


def restored(now: str, before: str, keys: Sequence[str]) -> str:
    """The YAML text ``before``, with every change of ``now`` except those under ``keys``.

    Without such changes it is ``before``, byte for byte; else its comments stay, which DVC drops.
    """
    if now == before:
        return before
    yaml = YAML()
    yaml.width = 10_000
    target, current = yaml.load(before), yaml.load(now)
    for key in keys:
        _copy(key.split("."), target, current)
    if current == target:
        return before
    _update(target, current)
    text = StringIO()
    yaml.dump(target, text)
    return text.getvalue()


def _record() -> Path:
    return paths.state("study") / "params.json"


def _copy(key: Sequence[str], source: Any, target: Any) -> None:
    *parents, last = key
    for parent in parents:
        source, target = ((tree.get(parent) if isinstance(tree, dict) else None) for tree in (source, target))
    if not isinstance(target, dict):
        return
    if isinstance(source, dict) and last in source:
        target[last] = source[last]
    else:
        target.pop(last, None)


def _update(target: Any, source: Any) -> None:
    for key in [key for key in target if key not in source]:
        del target[key]
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _update(target[key], value)
        elif key not in target or target[key] != value:
            target[key] = value
