"""Read ``params.yaml``, or the part of it that one stage needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from medcnn.core.errors import ParamsError
from medcnn.params import validation
from medcnn.params.shared.base import Block
from medcnn.runtime import paths

AnyBlock = TypeVar("AnyBlock", bound=Block)


def load(kind: type[AnyBlock], path: Path | None = None) -> AnyBlock:
    """Read what a view of ``params.yaml`` declares.

    Args:
        kind: the view, such as the settings of a stage.
        path: the file; that of the current folder unless given.

    Raises:
        ParamsError: one line with the key path of the first fault and the valid choices.
    """
    path = path or paths.PARAMS
    tree = read(path)
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ParamsError(f"{path}: {validation.described(error, tree, kind)}") from error


def read(path: Path) -> Any:
    """The file as plain objects, unchecked.

    Raises:
        ParamsError: there is none, or it is not valid YAML.
    """
    # The same parser as DVC's (YAML 1.2): `yes` is a folder name, not a truth value, and 1e-4 is a number.
    try:
        return YAML(typ="safe").load(path)
    except FileNotFoundError as error:
        raise ParamsError(f"{path} not found: run this from the project's root") from error
    except YAMLError as error:
        raise ParamsError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
