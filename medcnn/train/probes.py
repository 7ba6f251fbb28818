"""A probe fitted to the features of a frozen backbone, answered for and written with NumPy.

TensorFlow is loaded where the network is a new one or features are missing, and nowhere else: it takes longer to start
than a probe to fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from medcnn.core.arrays import Floats
from medcnn.dataset.shards import Rows
from medcnn.networks import replacing
from medcnn.networks.outputs import per_class
from medcnn.params.shared.scaling import ADAPTED
from medcnn.train import features, probing, recording
from medcnn.train.batches import Features, balanced, of_truth
from medcnn.train.failing import check_parts
from medcnn.train.features import Extractor
from medcnn.train.known import Known
from medcnn.train.measuring import measured
from medcnn.train.probing import Sample
from medcnn.train.recording import Written
from medcnn.train.stopping import Progress
from medcnn.train.task import Task

_ROWS = 1024
"""That are answered for at a time."""


@dataclass(frozen=True)
class Fitted:
    """A probe as it is written.

    Attributes:
        layer: kernel and bias of the output, float32.
        outputs: the network's for all images, float32 (M, 1) or (M, C).
        progress: how well it fits.
    """

    layer: list[np.ndarray]
    outputs: np.ndarray
    progress: Progress


def alone(task: Task) -> bool:
    """Whether a task is a probe and nothing else: no finetuning, no mean over views, nothing measured on its images."""
    settings = task.settings
    return (
        settings.head == "probe"
        and not settings.finetune.epochs
        and settings.tta == "none"
        and settings.preprocessing != ADAPTED
        and task.params.compute.precision == "float32"
    )


def train(task: Task) -> None:
    """Fit a probe that is ``alone``, and write what ``training.train`` would.

    Raises:
        MedcnnError: a part lacks images, or the model wants views that the study does not prepare.
    """
    check_parts(task.rows, task.classes, f"studies.{task.study}.split")
    known = Known(task)
    probe = fitted(task, known.extractor, features.extracted(known.extractor, task.pixels), known.facts.units)
    save = partial(replacing.write, known.file, known.facts.place, probe.layer)
    recording.record(
        task, Written(known.facts.counts, save), [probe.progress], per_class(probe.outputs.astype(np.float64))
    )


def fitted(task: Task, extractor: Extractor, everything: Rows, units: int) -> Fitted:
    """Fit a probe to the training images of a task and to their views.

    Args:
        task: what is fitted, and to what.
        extractor: the frozen backbone.
        everything: the features of all images, float32 (M, F).
        units: of the network's output.
    """
    training, recipe = task.indices("train"), features.views_wanted(task)
    views = features.of_views(extractor, task.study, recipe, training) if recipe else None
    probe = probing.fitted(_sample(task, training, everything, views), 2 if task.multi_label else len(task.classes))
    layer = probe.layer(units)
    outputs = _answers(everything, layer, apart=units == 1 or task.multi_label)
    seen, held_out = (measured(task.labels[of], outputs[of]) for of in (training, task.indices("validation")))
    print(f"Probe of strength {probe.strength:g}: {seen}; validation {held_out}", flush=True)
    return Fitted(layer, outputs, Progress.fitted(seen, held_out, task.settings.monitor, probe.strength))


def _sample(task: Task, training: list[int], everything: Rows, views: Rows | None) -> Sample:
    copies = 1 if views is None else 1 + len(views)
    labels = task.labels[training]
    weights = np.ones(labels.shape, np.float32)
    if task.settings.class_weights:
        weights = of_truth(balanced(labels, len(task.classes)), labels)
    return Sample(
        Features(everything[training], views, task.seed).all(),
        np.concatenate([labels] * copies),
        np.tile(task.rows["group"].iloc[training].to_numpy(str), copies),
        np.concatenate([weights] * copies),
    )


def _answers(everything: Rows, layer: list[np.ndarray], *, apart: bool) -> np.ndarray:
    """A sigmoid of each unit where they are ``apart``, else a softmax, rounded to float32 as a network's are."""
    kernel, bias = (array.astype(np.float64) for array in layer)
    outputs = np.empty((len(everything), len(bias)), np.float32)
    for start in range(0, len(outputs), _ROWS):
        rows = slice(start, start + _ROWS)
        outputs[rows] = _activated(everything[rows].astype(np.float64) @ kernel + bias, apart)
    return outputs


def _activated(logits: Floats, apart: bool) -> Floats:
    if apart:
        signless = np.exp(-np.abs(logits))
        return np.where(logits >= 0, 1, signless) / (1 + signless)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)
