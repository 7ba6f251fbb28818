"""A study's models tested on another study: prepare its images as at home, ask every model, judge the answers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, predictions, truths
from medcnn.dataset.manifest import SPLITS, of_images
from medcnn.dataset.predictions import Predictions
from medcnn.dataset.shards import Rows, Shards
from medcnn.external.answering import answers
from medcnn.external.judging import Images, Judge
from medcnn.external.overlap import Copies, Pictures, copies
from medcnn.external.settings import Settings
from medcnn.inference import sessions
from medcnn.inference.card import Card
from medcnn.measures import metrics
from medcnn.measures.statistics import intervals
from medcnn.params.shared import images as prepared
from medcnn.params.shared.classes import Findings
from medcnn.prepare.preparing import write_images
from medcnn.reading.archive import raw_archive
from medcnn.results.base import read
from medcnn.results.data import Split
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import paths
from medcnn.runtime.fanout import Placement

_OF_PARTS = ("shares_missed", "small_test")
"""Kinds of doubts about an external study that are about its parts, which count for nothing here."""


@dataclass(frozen=True)
class Scored:
    """Predictions for the external images by model, and what ``metrics/external/S/E.json`` says of them."""

    tables: dict[str, Predictions]
    record: dict[str, Any]


@dataclass(frozen=True)
class Test:
    """Images of one study on which models are tested: rows of the manifest in order, and pixels uint8 (N, S, S, 3)."""

    rows: pd.DataFrame
    pixels: Rows
    patients: bool

    def images(self, table: Predictions) -> Images:
        """A model's predictions for these images, or for some of them."""
        groups = self.rows.set_index("image_id")["group"]
        return Images(table, of_images(table.image_ids, groups), self.patients)


def scored(study: str, external: str, settings: Settings, compute: Placement) -> Scored:
    """Test every model of a study on all images of another that the study does not have itself.

    Args:
        study: the home study.
        external: the other study, of which every usable image counts, whatever its part.
        settings: how the home study is prepared and judged.
        compute: where images are decoded.

    Raises:
        MedcnnError: no image is left, or the results of an earlier stage are missing.
    """
    block = settings.studies[study]
    every = manifest.used(paths.manifest(external), "image_id", "path", "label", "group", "sha256", "phash")
    home = manifest.used(paths.manifest(study), "image_id", "label", "group", "split", "sha256", "phash")
    at_home, facts = pack.images(paths.prepared(study)), read(paths.metrics("split", external), Split)
    known = _tested_at_home(study, home, at_home)
    with _prepared(external, every, block.images, compute) as pixels:
        shared = copies(Pictures(every, pixels), Pictures(home, at_home), block.split.duplicates)
        kept = np.flatnonzero(shared.near < 0)
        if not len(kept):
            raise MedcnnError(f"run.external: every image of {external} is one of {study} too, and tests nothing")
        there = Test(every.iloc[kept].assign(split="test"), pixels.chosen(kept), facts.patients is not None)
        raw = answers(study, settings.run.trained, there.pixels)
        unlike = _unlike(study, settings, {"external": there, "home": known})
    classes = block.labels.class_names
    tables = {name: Predictions.of_rows(there.rows, classes, found) for name, found in raw.items()}
    record = {
        "images": len(kept),
        "groups": int(there.rows["group"].nunique()),
        "patients": there.patients,
        "set_aside": facts.images - facts.used,
        "copies": _counted(shared, home),
        "unlike": unlike,
        "doubts": [doubt.model_dump() for doubt in facts.warnings if doubt.kind not in _OF_PARTS],
        **_judged(study, tables, there, known, settings),
    }
    return Scored(tables, record)


@contextmanager
def _prepared(study: str, rows: pd.DataFrame, images: prepared.Images, compute: Placement) -> Iterator[Shards]:
    """The pixels of an external study for as long as they are needed, resized as the home study's are."""
    # The manifest says which frames, slices or pages of its files are images of the study.
    reading = images.model_copy(update={"frames": "all"})
    folder = paths.state("external")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        write_images(raw_archive(paths.raw(study)), rows, reading, Path(temporary), compute)
        yield pack.images(Path(temporary))


def _tested_at_home(study: str, rows: pd.DataFrame, pixels: Shards) -> Test:
    indices = manifest.indices(rows, "test")
    patients = read(paths.metrics("split", study), Split).patients is not None
    return Test(rows.iloc[indices], pixels.chosen(indices), patients)


def _counted(shared: Copies, home: pd.DataFrame) -> dict[str, Any]:
    """How many images were left out as copies, and in which parts of the home study their originals are."""
    exact, either = shared.exact >= 0, shared.near >= 0
    parts = home["split"].iloc[shared.near[either]].value_counts()
    return {
        "exact": int(exact.sum()),
        "near": int((either & ~exact).sum()),
        "parts": {split: int(parts.get(split, 0)) for split in SPLITS},
    }


def _unlike(study: str, settings: Settings, sides: Mapping[str, Test]) -> dict[str, Any]:
    """The shares of images that the novelty check of the exported models calls unlike the training images."""
    opened = sessions.load(paths.onnx_model(study, settings.run.trained[0]))
    novelty = Card.read(opened.get_modelmeta().custom_metadata_map).novelty
    found = {}
    for side, test in sides.items():
        strange = novelty.unlike(test.pixels)
        low, high = intervals.proportion(strange, test.rows["group"].tolist(), settings.evaluate.confidence)
        found[side] = {"share": metrics.mean(strange), "share_low": low, "share_high": high}
    return found


def _judged(
    study: str, tables: Mapping[str, Predictions], there: Test, home: Test, settings: Settings
) -> dict[str, Any]:
    """The classes that both studies have, how common each is, and every model on both sides."""
    classes = settings.studies[study].labels.class_names
    sides = {"external": there.rows, "home": home.rows}
    if not isinstance(classes, Findings):
        sides["home"] = home.rows[home.rows["label"].isin(there.rows["label"])]
    both = [name for name in classes if isinstance(classes, Findings) or name in set(there.rows["label"])]
    judge = Judge(np.array([classes.index(name) for name in both]), settings.evaluate, settings.seed)
    evaluated = read(paths.metrics("evaluate", study), dict[str, Evaluated])
    models = {}
    for name, fitted in evaluated.items():
        answered = predictions.read(paths.predicted(study, name))
        at_home, validation = answered.of("test"), answered.of("validation")
        if not at_home.multi_label:
            at_home = at_home.at(np.flatnonzero(np.isin(at_home.labels, judge.classes)))
        models[name] = judge.tested(there.images(tables[name]), home.images(at_home), validation, fitted)
    return {
        "classes": both,
        "absent": [name for name in classes if name not in both],
        "prevalence": {name: _shares(name, sides, settings.evaluate.confidence) for name in both},
        "models": models,
    }


def _shares(name: str, sides: Mapping[str, pd.DataFrame], confidence: float) -> dict[str, float]:
    """The share of a class on both sides, and how much higher it is on external images."""
    shares, bounds = {}, {}
    for side, rows in sides.items():
        has = truths.having(rows["label"], name)
        shares[side] = metrics.mean(has)
        bounds[side] = intervals.proportion(has, rows["group"].tolist(), confidence)
    external, home = ((shares[side], bounds[side]) for side in ("external", "home"))
    low, high = intervals.difference(*external, *home)
    return {**shares, "difference": shares["external"] - shares["home"], "low": low, "high": high}
