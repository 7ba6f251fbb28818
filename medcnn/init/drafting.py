"""A study before it is written: read as ``params.yaml`` would be, with the usual values that stand there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML

from medcnn.core.errors import ParamsError
from medcnn.init import writing
from medcnn.params import validation
from medcnn.params.shared.base import Block
from medcnn.params.whole import Params
from medcnn.runtime import paths
from medcnn.split.settings import Settings, Study

AnyBlock = TypeVar("AnyBlock", bound=Block)


def drafts(text: str, name: str, block: Mapping[str, Any], splits: Sequence[Mapping[str, Any]]) -> list[Study]:
    """What ``split`` would read of a study, once for each way to split it.

    Args:
        text: the params file without the study.
        name: of the study.
        block: its block; its ``split`` is not looked at.
        splits: blocks ``split``, as far as they differ from the usual values.

    Raises:
        ParamsError: a value that cannot be; it names the key path.
    """
    tree = _tree(writing.added(text, name, {**block, "split": {}}, force=True)[0])
    usual = tree["studies"][name].pop("split")
    return [_read(Settings, _with_split(tree, name, {**usual, **split})).studies[name] for split in splits]


def check(text: str) -> None:
    """Refuse the text of a params file that could not be read.

    Raises:
        ParamsError: it names the key path of the first fault.
    """
    _read(Params, _tree(text))


def _with_split(tree: dict[str, Any], name: str, split: Mapping[str, Any]) -> dict[str, Any]:
    study = {**tree["studies"][name], "split": {"kind": "stratified", **split}}
    return {**tree, "studies": {name: study}}


def _tree(text: str) -> dict[str, Any]:
    tree: dict[str, Any] = YAML(typ="safe").load(text)
    return tree


def _read(kind: type[AnyBlock], tree: dict[str, Any]) -> AnyBlock:
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ParamsError(f"{paths.PARAMS}: {validation.described(error, tree, kind)}") from error
