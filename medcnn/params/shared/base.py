"""What all blocks of ``params.yaml`` are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field

from medcnn.core.choices import offer
from medcnn.core.errors import ParamsError

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Item = TypeVar("Item")


class Block(BaseModel):
    """A block of ``params.yaml``: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class View(Block):
    """The keys of a block, or of the whole file, that one reader needs; it is blind to all others."""

    model_config = ConfigDict(extra="ignore")


def known(where: str, name: str, choices: Iterable[str]) -> None:
    """Refuse a name that is not among the choices.

    Raises:
        ValueError: for pydantic; it names the key path and the choices.
    """
    if name not in choices:
        raise ValueError(f"{where}: unknown '{name}'; {offer(name, choices)}")


def named(where: str, name: str, blocks: Mapping[str, Item]) -> Item:
    """The block of a name that a user typed.

    Raises:
        ParamsError: there is none; the message lists those that there are.
    """
    if name not in blocks:
        raise ParamsError(f"params.yaml: {where}: unknown '{name}'; {offer(name, blocks)}")
    return blocks[name]


def distinct(names: tuple[Item, ...]) -> tuple[Item, ...]:
    """Refuse a list in which a name or number stands twice.

    Raises:
        ValueError: for pydantic.
    """
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"'{name}' is listed twice")
    return names


def own_keys(*kinds: type[Block]) -> Callable[[Any], Any]:
    """Make a validator that drops the keys of the other kinds from a block, so that ``-S ...kind=`` alone switches it.

    Args:
        kinds: blocks whose ``kind`` says which of them a block is.
    """
    keys = {get_args(kind.model_fields["kind"].annotation)[0]: set(kind.model_fields) for kind in kinds}
    every = set().union(*keys.values())

    def validator(block: Any) -> Any:
        if not isinstance(block, dict) or block.get("kind") not in keys:
            return block
        foreign = every - keys[block["kind"]]
        return {key: value for key, value in block.items() if key not in foreign}

    return validator
