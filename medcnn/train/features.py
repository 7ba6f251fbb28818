"""Frozen backbones run over the images once: features are cached by the content of everything they depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medcnn.core import files, processors
from medcnn.core.errors import MedcnnError
from medcnn.dataset import augment, folds, manifest, pack, views
from medcnn.dataset.shards import Shard, Shards
from medcnn.dataset.views import Recipe
from medcnn.params.placement import Placement
from medcnn.runtime import locking, paths
from medcnn.train.task import Task

if TYPE_CHECKING:
    import keras

    from medcnn.networks.forward import Inference


@dataclass(frozen=True)
class Extractor:
    """A frozen backbone, from images (batch, S, S, 3) of 0..255 to features (batch, F).

    Attributes:
        key: a digest of whatever its features depend on.
        row: (F,), or (V, F) where each of V views of an image has features.
        inference: makes the function for inputs of a type; only asked for where features are not known, as it needs
            TensorFlow.
    """

    key: str
    row: tuple[int, ...]
    inference: Callable[[np.dtype], Inference]

    @classmethod
    def of(cls, model: keras.Model) -> Extractor:
        """A Keras model as one."""
        from medcnn.networks.forward import inference

        return cls(_key(model), model.output_shape[1:], cache(partial(inference, model)))


def extracted(extractor: Extractor, pixels: Shards) -> Shards:
    """Features of prepared images, a shard at a time, from the cache where the same ones were computed before.

    Args:
        extractor: computes those that are not there.
        pixels: uint8 (..., S, S, 3).

    Returns:
        float32 (..., F).
    """
    key, row = extractor.key, extractor.row
    found = []
    for images in pixels.apart():
        digests = [hashlib.sha256(image.data).hexdigest() for image in images]
        name = hashlib.sha256("".join([key, *digests]).encode()).hexdigest()
        cached = Shard(paths.state("features") / f"{name}.npy", (len(images), *row))
        with locking.held(cached.path.with_suffix(".lock"), "computes the same features"):
            if not _whole(cached):
                computed = _computed(extractor.inference(pixels.dtype), images, digests, row)
                with files.replacing(cached.path) as temporary:
                    np.save(temporary, computed)
        found.append(cached)
    return Shards(found, pixels.positions, row, np.float32)


def of_views(extractor: Extractor, study: str, recipe: Recipe, training: Sequence[int]) -> Shards:
    """Features of the views of a fold's training images.

    ``prepare`` makes views of the training images of the split alone; those of images that other folds train on are
    made here, once for all folds and models.

    Args:
        extractor: as for ``extracted``.
        study: the name of a prepared study.
        recipe: how its views were made.
        training: positions of the fold's N training images among the used ones.

    Returns:
        float32 (K, N, F).
    """
    rows = manifest.used(paths.manifest(study), "image_id", "split")
    prepared = manifest.indices(rows, "train")
    first = extracted(extractor, pack.views(paths.prepared(study)))
    if set(training) <= set(prepared):
        return first.chosen(np.s_[:, np.searchsorted(prepared, training)])
    parts = folds.read(paths.folds(study)).set_index("image_id").loc[rows["image_id"]]
    others = np.flatnonzero((rows["split"] != "train") & (parts == "train").any(axis=1).to_numpy()).tolist()
    second = extracted(extractor, _views(study, recipe, others, rows["image_id"].iloc[others].tolist()))
    column_of = {index: column for column, index in enumerate([*prepared, *others])}
    return first.beside(second).chosen(np.s_[:, [column_of[index] for index in training]])


def views_wanted(task: Task) -> Recipe | None:
    """The views that a frozen backbone sees; None where it sees the images alone.

    Raises:
        MedcnnError: the model wants others than the study prepares.
    """
    prepared = task.params.studies[task.study].images.views
    if task.policy not in (None, prepared.policy):
        raise MedcnnError(
            f"{task.name}: a frozen backbone learns from prepared views, and studies.{task.study}.images.views are of "
            f"'{prepared.policy}', not of '{task.policy}'; set the model's augment to 'study', or make them agree"
        )
    if task.policy is None or not prepared.count:
        return None
    # Whatever the repeat, views are those that prepare makes.
    return Recipe(task.params.augment[prepared.policy], prepared.count, task.params.seed)


def _views(study: str, recipe: Recipe, positions: Sequence[int], image_ids: Sequence[str]) -> Shards:
    """The views of some images, made where the same ones were not before."""
    prepared = paths.prepared(study)
    key = (
        recipe,
        positions,
        image_ids,
        pack.digest(pack.images(prepared)),
        files.sha256(Path(augment.__file__)),
    )
    folder = paths.state("views") / hashlib.sha256(repr(key).encode()).hexdigest()
    with locking.held(folder / "lock", "draws the same views"):
        try:
            return pack.views(folder)
        except MedcnnError:
            # Within a training, which is a task itself.
            views.write(folder, recipe, prepared, positions, image_ids, Placement())
    return pack.views(folder)


def _computed(infer: Inference, images: Shards, digests: Sequence[str], row: tuple[int, ...]) -> np.ndarray:
    """Features of a shard, float32 (N, F); of images with the same pixels only the first is computed."""
    from medcnn.networks.forward import fill

    features: np.ndarray = np.empty((len(images), *row), np.float32)
    _, first, kind = np.unique(digests, return_index=True, return_inverse=True)
    fill(features, infer, images, np.sort(first))
    return features[first[kind]]


def _whole(cached: Shard) -> bool:
    """Whether the cache has a readable file; a machine that lost power may leave an empty one."""
    try:
        Shards([cached], np.arange(0), cached.shape[1:], np.float32)
    except MedcnnError:
        return False
    return True


def _key(extractor: keras.Model) -> str:
    """A digest of weights, architecture with preprocessing and precision, and the code that computes."""
    import keras
    import tensorflow as tf

    from medcnn.networks import forward

    digest = hashlib.sha256()
    code = [files.sha256(Path(path)) for path in (__file__, forward.__file__)]
    for part in (extractor.to_json(), *code, tf.__version__, keras.__version__, processors.held_to()):
        digest.update(part.encode())
    for weight in extractor.weights:
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()
