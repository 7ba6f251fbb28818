"""Reading and writing ``metrics/*.json``: a record that is not what its type says is refused in one line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from medcnn.core import files
from medcnn.core.errors import MedcnnError

Number = float | None
"""A figure; null in the file, and None here, where it is not defined."""
Kind = TypeVar("Kind")


class Record(BaseModel):
    """A block of a file in ``metrics/``: unknown and missing keys are refused, values are frozen.

    Figures that a table names by their keys are got by ``get``, all others as attributes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, such as ``accuracy_low``: None where it is not defined, the default where absent."""
        return getattr(self, key, default)


class Figures(Record):
    """Figures of merit by the keys of ``params.judging.figures``, which are got by ``get``."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, float | None] = Field(init=False)


def checked(block: Any, keys: Iterable[str]) -> Any:
    """A block that allows any figure, found to have exactly those of these keys.

    Raises:
        ValueError: it lacks some, or has others.
    """
    wanted, present = {*keys}, {*(block.model_extra or {})}
    if wanted - present:
        raise ValueError(f"lacks {', '.join(sorted(wanted - present))}")
    if present - wanted:
        raise ValueError(f"has the unknown {', '.join(sorted(present - wanted))}")
    return block


def read(path: Path, kind: type[Kind]) -> Kind:
    """Read a file of ``metrics/``.

    Args:
        path: the file.
        kind: a record, or a dictionary of records by name.

    Raises:
        MedcnnError: it is missing, or not of that kind.
    """
    if not path.exists():
        raise MedcnnError(f"{path} not found; run `dvc repro` to make it")
    try:
        return TypeAdapter(kind).validate_python(files.read_json(path))
    except ValidationError as error:
        raise MedcnnError(f"{path}: {_first(error)}; run `dvc repro` to make it again") from error


def read_if_made(path: Path, kind: type[Kind]) -> Kind | None:
    """The same of a stage that may not have run."""
    return read(path, kind) if path.exists() else None


def write(path: Path, kind: type[Kind], value: Any) -> None:
    """Write a file of ``metrics/`` with the rounding of ``files.write_json``.

    Raises:
        ValidationError: the value is not of that kind, which is a fault of the program.
    """
    TypeAdapter(kind).validate_python(files.rounded(value))
    files.write_json(path, value)


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
