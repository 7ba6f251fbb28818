"""What all blocks of ``params.yaml`` are made of."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Item = TypeVar("Item")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]


class Block(BaseModel):
    """A block of ``params.yaml``: unknown keys refused, values frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def known(where: str, name: str, choices: Any) -> None:
    """Refuse a name that is not among the choices.

    Raises:
        ValueError: for pydantic; it names the key path and the choices.
    """
    if name not in choices:
        raise ValueError(f"{where}: unknown '{name}'; choose from {', '.join(choices)}")


def distinct(names: tuple[Item, ...]) -> tuple[Item, ...]:
    """Refuse a list in which a name or number stands twice.

    Raises:
        ValueError: for pydantic.
    """
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{name}' is listed twice")
    return names
