"""Where the work of a stage is done: it shows in no byte of a result, and is therefore a dependency of no stage."""

from __future__ import annotations

from typing import Literal

from medcnn.params.shared import loading
from medcnn.params.shared.base import Positive, View


class Placement(View):
    """This machine or a Ray cluster, and how much of it a task takes."""

    backend: Literal["local", "ray"] = "local"
    """This machine, or a Ray cluster."""
    address: str = "auto"
    """The cluster's head, ``host:port``; ``auto`` is the one that runs on this machine."""
    cpus_per_task: Positive = 2
    """CPUs that each independent task keeps for itself."""


class _Placed(View):
    compute: Placement = Placement()


def load() -> Placement:
    """Read where ``params.yaml`` wants work to be done.

    Raises:
        ParamsError: one line with the key path of the first fault and the valid choices.
    """
    return loading.load(_Placed).compute
