"""Train a model on a prepared study: the head of a frozen backbone on its features, or the whole network."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np

from medcnn.dataset.shards import Rows, Shards
from medcnn.networks import averaging, preprocessing, pretrained
from medcnn.networks.building import build, extractor, unfreeze
from medcnn.networks.forward import forward
from medcnn.networks.outputs import per_class
from medcnn.networks.precision import in_bfloat16
from medcnn.params.shared.scaling import ADAPTED, PREPROCESSING, Preprocessing
from medcnn.runtime import live, paths
from medcnn.train import backups, features, probes
from medcnn.train.backups import Backup
from medcnn.train.batches import Batches, Features, Inputs, Pixels, Validation, balanced, of_truth
from medcnn.train.failing import check_parts
from medcnn.train.features import Extractor
from medcnn.train.fitting import Data, fit
from medcnn.train.identity import identity
from medcnn.train.learning import Learner
from medcnn.train.losses import Loss, binary_cross_entropy, cross_entropy, focal, focal_of_findings
from medcnn.train.mixing import Mixing
from medcnn.train.recording import Written, record
from medcnn.train.stopping import Phase, Progress
from medcnn.train.task import Task


def untrained(task: Task) -> keras.Model:
    """The network of a task, its backbone with pretrained weights where the params ask for them.

    Raises:
        MedcnnError: see ``building.build`` and ``pretrained.preprocessing``.
    """
    size = task.params.studies[task.study].images.size
    return build(task.settings, size, len(task.classes), _steps(task), paths.weights(task.model), task.multi_label)


def _steps(task: Task) -> Preprocessing:
    """The preprocessing of a task: measured on its training images, or by name; that of the backbone by default.

    The networks of a fold ensemble have one in common, measured on the training images of all: it knows no labels, and
    a frozen backbone behind it is there once.
    """
    name = task.settings.preprocessing
    if name == ADAPTED:
        return preprocessing.measured(task.pixels, replace(task, without=None).indices("train"))
    return PREPROCESSING[name] if name else pretrained.preprocessing(paths.weights(task.model))


def train(task: Task, model: keras.Model) -> None:
    """Train a model, then write it, its predictions of every used image, its history and its metrics.

    A frozen backbone runs over the images once, and the head alone is trained on its features. With ``finetune``, all
    but the first layers of the backbone are trained as well afterwards, for as long as validation says that it helps.
    In a cell other than the main one only the model and the predictions of the fold's images are written.

    Args:
        task: what is trained, and how.
        model: image to probabilities, in float32, with the layers ``preprocessing``, ``backbone`` and ``head``.

    Raises:
        MedcnnError: a part lacks images, the model wants views that the study does not prepare, or see ``fitting.fit``.
    """
    check_parts(task.rows, task.classes, f"studies.{task.study}.split")
    with backups.claim(identity(task, model)) as backup:
        progress, probabilities = trained(task, model, backup)
        record(task, Written.of(averaging.averaged(model, task.settings.tta)), [progress], probabilities)
        backup.forget()


def trained(task: Task, model: keras.Model, backup: Backup) -> tuple[Progress, np.ndarray]:
    """Train a model, and write nothing but its backup.

    Returns:
        How that went, and the probabilities of all images, float64 (M, C), with test-time augmentation.

    Raises:
        MedcnnError: see ``train``.
    """
    with live.followed(*task.names):
        progress, outputs = _trained(task, model, backup)
    return progress, per_class(outputs.astype(np.float64))


def cache_features(task: Task, model: keras.Model, images: Shards) -> None:
    """Compute the features that ``train`` needs of some images, where the backbone of ``model`` is frozen."""
    features.extracted(Extractor.of(extractor(_computing(task, model))), images)


def _computing(task: Task, model: keras.Model) -> keras.Model:
    """The model itself, or a copy that computes in bfloat16 where ``compute.precision`` says so."""
    return in_bfloat16(model) if task.params.compute.precision == "bfloat16" else model


def _trained(task: Task, model: keras.Model, backup: Backup) -> tuple[Progress, np.ndarray]:
    """Train a model; returns how that went, and its outputs for all images, float32 (M, 1) or (M, C).

    What is trained may be a copy in bfloat16. The model itself stays in float32, since that is what is written and
    what predicts, and takes over the trained weights in the end.
    """
    settings, computing = task.settings, _computing(task, model)
    phase = Phase(1, settings, settings.learning_rate, 0, settings.epochs)
    if model.get_layer("backbone").trainable:
        progress = _fit_whole(task, computing, phase, Progress(), backup)
        predicting, inputs = model, task.pixels
    else:
        progress, inputs = _fit_head(task, computing, phase, backup)
        predicting = model.get_layer("head")
    if settings.finetune.epochs:
        # Where there is no copy, both are the same model.
        for each in (model, computing):
            unfreeze(each, settings.finetune.unfreeze_from)
        last = progress.epoch + settings.finetune.epochs
        phase = Phase(2, settings, settings.finetune.learning_rate, progress.epoch, last)
        progress = _fit_whole(task, computing, phase, progress, backup)
        if progress.best_epoch <= phase.first:
            print("no epoch of finetuning was better on validation: the frozen backbone is kept")
        predicting, inputs = model, task.pixels
    model.set_weights(computing.get_weights())
    if settings.tta == "none":
        return progress, forward(predicting, inputs)
    return progress, forward(*_over_views(task, model))


def _over_views(task: Task, model: keras.Model) -> tuple[keras.Model, Rows]:
    """What answers the mean over views, and what it answers that for: images or, of a frozen backbone, features."""
    tta = task.settings.tta
    if model.get_layer("backbone").trainable:
        return averaging.averaged(model, tta), task.pixels
    seen = features.extracted(Extractor.of(averaging.features(model, tta)), task.pixels)
    return averaging.head(model, seen.shape[1]), seen


def _fit_head(task: Task, model: keras.Model, phase: Phase, backup: Backup) -> tuple[Progress, Shards]:
    """Train the head on the features of a frozen backbone; also returns the features of all images."""
    frozen, head = Extractor.of(extractor(model)), model.get_layer("head")
    everything = features.extracted(frozen, task.pixels)
    if task.settings.head == "probe":
        probe = probes.fitted(task, frozen, everything, head.output_shape[-1])
        head.get_layer("probabilities").set_weights(probe.layer)
        return probe.progress, everything
    recipe, training = features.views_wanted(task), task.indices("train")
    views = features.of_views(frozen, task.study, recipe, training) if recipe else None
    data = _data(task, everything, Features(everything.chosen(training), views, task.seed))
    return fit(_learner(task, head, everything), data, phase, Progress(), backup), everything


def learning_whole(task: Task, model: keras.Model) -> tuple[Learner, Data]:
    """A learner of all that is trainable of a model, and the images for it, augmented on the fly."""
    training = task.indices("train")
    ids = task.rows["image_id"].iloc[training].tolist()
    policy = task.params.augment[task.policy] if task.policy else None
    data = _data(task, task.pixels, Pixels(task.pixels, training, ids, policy, task.seed))
    return _learner(task, model, task.pixels), data


def _learner(task: Task, network: keras.Model, inputs: Rows) -> Learner:
    shared, findings = task.settings.mixed or task.distilled, task.labels.shape[1:]
    return Learner(network, task.settings, _loss(task), inputs.dtype, findings, shared=shared)


def _fit_whole(task: Task, model: keras.Model, phase: Phase, progress: Progress, backup: Backup) -> Progress:
    learner, data = learning_whole(task, model)
    return fit(learner, data, phase, progress, backup)


def _data(task: Task, everything: Rows, inputs: Inputs) -> Data:
    """Training inputs in batches, and the validation part of ``everything`` (M, ...)."""
    settings, training = task.settings, task.indices("train")
    labels = task.labels[training]
    weights = np.ones(labels.shape, np.float32)
    if settings.class_weights and settings.loss != "focal":
        weights = of_truth(balanced(labels, len(task.classes)), labels)
    mixing = Mixing(len(task.classes), settings.label_smoothing, settings.mixup, settings.cutmix)
    return Data(
        Batches(
            inputs,
            labels,
            weights,
            settings.batch_size,
            task.seed,
            task.placement.cpus_per_task,
            settings.sampler == "balanced",
            mixing if settings.mixed else None,
            None if task.taught is None else task.taught[training],
        ),
        Validation(everything, task.labels, task.indices("validation"), settings.batch_size),
    )


def _loss(task: Task) -> Loss:
    """The loss of each image; the class weights of a focal loss are its alpha."""
    settings = task.settings
    if settings.loss == "cross_entropy":
        return binary_cross_entropy if task.multi_label else cross_entropy
    weights = balanced(task.labels[task.indices("train")], len(task.classes))
    alpha = weights if settings.class_weights else np.ones_like(weights)
    return focal_of_findings(alpha) if task.multi_label else focal(alpha)
