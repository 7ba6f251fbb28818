"""A project in which everything before evaluation has run: made-up predictions, histories, metrics and timings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML

from medcnn.core import files
from medcnn.dataset import folds, manifest, predictions
from medcnn.dataset.folds import PREDICTIONS
from medcnn.dataset.manifest import SPLITS
from medcnn.dataset.predictions import Predictions
from medcnn.external.judging import Images, Judge
from medcnn.params import whole
from medcnn.published import studies
from medcnn.published.measured import Column, Figures, Measured
from medcnn.published.table import table
from medcnn.results import base
from medcnn.results.evaluated import Evaluated
from medcnn.results.external import External
from medcnn.runtime import paths
from medcnn.stress.degrade import STRENGTHS
from tests.project import prepared_study, shrink, stage
from tests.results.examples import trained

ENSEMBLES = ("ensemble_mean", "ensemble_weighted")
MACS = {"simple": 1_200_000, "lite0": 400_000_000, "lite0_relay_chain": 401_000_000}
CASCADE = "simple_lite0_cascade"
COMBINED = {
    "combiners": {
        "mean": {
            "members": ["simple", "lite0"],
            "validation": {"accuracy": 0.75, "cross_entropy": 0.5},
            "weights": {"simple": 0.5, "lite0": 0.5},
        },
        "weighted": {
            "members": ["simple", "lite0"],
            "validation": {"accuracy": 0.8, "cross_entropy": None},
            "weights": {"simple": 0.2, "lite0": 0.8},
        },
    },
    "chosen": "mean",
    "macs": {
        **MACS,
        **dict.fromkeys(ENSEMBLES, MACS["simple"] + MACS["lite0"]),
        CASCADE: 151_200_000,
    },
    "cascades": {
        CASCADE: {
            "first": "simple",
            "second": "lite0",
            "temperature": 1.25,
            "threshold": 0.875,
            "first_share": {"validation": 0.5, "test": 0.625},
            "macs": {"first": MACS["simple"], "second": MACS["lite0"], "mean": 151_200_000},
        }
    },
}


@dataclass(frozen=True)
class Example:
    """A project folder, one of its studies, and the models that "ran" there."""

    folder: Path
    study: str
    classes: tuple[str, ...]
    trained: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        return (*self.trained, *ENSEMBLES, CASCADE)

    def path(self, relative: Path) -> Path:
        return self.folder / relative

    def predictions_of(self, model: str) -> Path:
        return self.path(paths.predicted(self.study, model))

    def evaluate(self) -> Example:
        stage(self.folder, "evaluate", self.study)
        return self

    def report(self) -> str:
        stage(self.folder, "report")
        return self.path(paths.REPORT).read_text(encoding="utf-8")


def example(folder: Path, study: str = "phantom", images: int = 96, absent: str = "") -> Example:
    """Lay out the project; ``absent`` is a class that has no test image."""
    shrink(
        folder,
        {
            "run.studies": [study],
            "run.models": ["simple", "lite0"],
            "run.chains": {"first": ["lite0"], "second": ["relay"]},
            "run.cascades": {"first": ["simple"], "second": ["lite0"]},
            "ensemble.combiners": ["mean", "weighted"],
        },
    )
    settings = whole.load(folder / paths.PARAMS)
    classes = settings.study(study).labels.class_names
    prepared_study(folder, study, classes, images=images)
    made = Example(folder, study, classes, settings.run.trained)
    rows = manifest.used(made.path(paths.manifest(study)))
    rows = rows[(rows["split"] != "test") | (rows["label"] != (absent or ""))]
    manifest.write(made.path(paths.manifest(study)), rows)
    for seed, model in enumerate(made.models):
        predictions.write(made.predictions_of(model), _predictions(rows, classes, seed))
    for model in made.trained:
        _write_training(made, model)
    _write_data(made, rows)
    _write_subgroups(made, rows)
    return made


def _write_subgroups(made: Example, rows: pd.DataFrame) -> None:
    """A study with two classes knows the sex of its patients, the others nothing."""
    sexes = ("female", "male")
    lines = [(image_id, sexes[index % 2]) for index, image_id in enumerate(rows["image_id"])]
    if len(made.classes) == 2:
        files.write_csv(made.path(paths.subgroups(made.study)), ("image_id", "sex"), lines)
    else:
        files.write_csv(made.path(paths.subgroups(made.study)), ("image_id",), [line[:1] for line in lines])


def _predictions(rows: pd.DataFrame, classes: tuple[str, ...], seed: int) -> Predictions:
    """Better and better with ``seed``, and the rows in an order of their own."""
    rng = np.random.default_rng(seed)
    rows = rows.iloc[rng.permutation(len(rows))]
    labels = np.array([classes.index(label) for label in rows["label"]])
    logits = rng.normal(size=(len(rows), len(classes))) + (0.8 + 0.4 * seed) * np.eye(len(classes))[labels]
    odds = np.exp(1.5 * logits)
    return Predictions.of_rows(rows, classes, odds / odds.sum(axis=1, keepdims=True))


def _write_training(made: Example, model: str) -> None:
    history = [
        (epoch, split, f"{1.5 / epoch + gap:.6g}", f"{0.9 - 0.5 / epoch - gap:.6g}", "0.001")
        for epoch in range(1, 6)
        for split, gap in (("train", 0.0), ("validation", 0.1))
    ]
    columns = ("epoch", "split", "loss", "accuracy", "learning_rate")
    files.write_csv(made.path(paths.plots("train", made.study, model)) / "history.csv", columns, history)
    files.write_json(made.path(paths.metrics("train", made.study, model)), trained(macs=MACS[model]))
    files.write_json(made.path(paths.metrics("export", made.study, model)), _exported() | {"keras_sha256": "2" * 64})


def _exported() -> dict[str, Any]:
    parity = {
        "images": 24, "undecided": 0, "max_difference": 2e-6, "argmax_agreement": 1.0, "accuracy_keras": 0.75,
        "accuracy_onnx": 0.75,
    }  # fmt: skip
    validation = {
        "images": 24, "accuracy_float32": 0.75, "accuracy_int8": 0.745, "accuracy_drop": 0.005,
        "cross_entropy_float32": 0.5, "cross_entropy_int8": 0.5125, "cross_entropy_rise": 0.0125,
    }  # fmt: skip
    int8 = {
        "bytes": 910_000, "sha256": "1" * 64, "precision": "mixed", "layers": {"int8": 17, "float32": 2},
        "left_in_float": ["first/convolution", "last/MatMul"], "calibration_images": 48, "validation": validation,
        "trials": 3,
    }  # fmt: skip
    return {
        "bytes": 2_650_000, "sha256": "0" * 64, "opset": 18, "temperature": 1.5, "conformal_threshold": 0.875,
        "parity": parity, "int8": int8,
    }  # fmt: skip


def write_timings(made: Example, *models: str) -> None:
    """Timings of models as the benchmark writes them: each model half as fast as the one before."""
    for step, model in enumerate(models):
        files.write_json(
            made.path(paths.metrics("benchmark", made.study, model)), _timings(2.0**step, 0.7 + 0.05 * step)
        )


def _timings(slower: float, accuracy: float) -> dict[str, Any]:
    engines = {
        "tensorflow": _engine(6.5 * slower, accuracy),
        "onnxruntime": _engine(3.25 * slower, accuracy, speedup={"median": 2.0, "lowest": 1.75, "highest": 2.25}),
        "onnxruntime_int8": _engine(
            1.25 * slower, accuracy - 0.025, 0.31, {"median": 5.2, "lowest": 4.5, "highest": 6.0}
        )
        | {"precision": "mixed", "file_bytes": 910_000},
    }
    return {
        "model_sha256": "0" * 64,
        "int8_sha256": "1" * 64,
        "arrays_sha256": "3" * 64,
        "image_size": 32,
        "engines": engines,
        "missing": ["openvino", "openvino_bfloat16"],
        "failed": {"litert": "It has no <op>."},
        "preprocess": {"p50_ms": 0.21, "p90_ms": 0.22, "p99_ms": 0.42, "calls": 100},
        "machine": {
            "architecture": "x86_64", "cores": 2, "cpu": "A processor", "instruction_sets": ["avx2"], "system": "Linux",
        },
        "threads": 2,
        "versions": {"tensorflow": "2.21.0"},
    }  # fmt: skip


def _engine(
    p50_ms: float, accuracy: float, spread: float = 0.05, speedup: dict[str, float] | None = None
) -> dict[str, Any]:
    def times(p50_ms: float) -> dict[str, float]:
        return {"p50_ms": p50_ms, "p90_ms": 1.25 * p50_ms, "p99_ms": 1.5 * p50_ms, "calls": 500}

    rounds = [p50_ms * (1 + share * spread) for share in (-0.5, 0.0, 0.5)]
    test = {"images": 24, "accuracy": accuracy, "accuracy_low": accuracy - 0.2, "accuracy_high": accuracy + 0.1}
    return {
        "precision": "float32",
        "single_stream": {
            **times(p50_ms), "seconds": 5.5, "rounds_p50_ms": rounds, "spread": spread, "noisy": spread > 0.2,
        },
        "offline": {
            size: {"images_per_second": share * 1000 / p50_ms, "calls": 60}
            for size, share in (("1", 0.9), ("8", 1.5), ("32", 2.0))
        },
        "end_to_end": times(p50_ms + 2),
        "cold_start_ms": 480.5,
        "peak_memory_mib": 210.25,
        "file_bytes": 2_650_000,
        "test": {**test, "largest_difference": 2e-6},
        **({"speedup": speedup} if speedup else {}),
    }  # fmt: skip


def write_cells(made: Example) -> None:
    """A second fold of every trained model: its test part is the first one's training part."""
    _edit_params(made, "  folds: [0]", "  folds: [0, 1]")
    turned = {"train": "test", "test": "train", "validation": "validation"}
    rows = manifest.used(made.path(paths.manifest(made.study)))
    parts = {"image_id": rows["image_id"], "fold_0": rows["split"], "fold_1": rows["split"].map(turned)}
    folds.write(made.path(paths.folds(made.study)), pd.DataFrame(parts))
    for model in made.trained:
        table = predictions.read(made.predictions_of(model))
        table = replace(table, splits=tuple(turned[split] for split in table.splits))
        predictions.write(made.path(paths.cell(made.study, model, 1, 0)) / PREDICTIONS, table)


def _edit_params(made: Example, before: str, after: str) -> None:
    text = made.path(paths.PARAMS).read_text()
    assert text.count(before) == 1
    made.path(paths.PARAMS).write_text(text.replace(before, after))


def write_explained(made: Example) -> None:
    """A gallery of the chosen model, of an image or two a kind."""
    compared = files.read_json(made.path(paths.metrics("comparisons", made.study)))
    table = predictions.read(made.predictions_of(compared["best"])).of("test")
    predicted = table.probabilities.argmax(axis=1)
    maps = {"occlusion": {"inside": 0.75, "shuffled": 0.125}, "grad_cam": {"inside": 0.5, "shuffled": None}}
    of = {"occlusion": compared["best"], "grad_cam": compared["networks"]["best"]}
    items = []
    for row in range(5):
        file = f"{table.image_ids[row]}.jpg"
        path = made.path(paths.plots("explain", made.study)) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (96, 32), "teal").save(path)
        items.append(
            {
                "image_id": table.image_ids[row],
                "label": table.classes[table.labels[row]],
                "predicted": table.classes[predicted[row]],
                "probability": table.probabilities[row, predicted[row]],
                "file": file,
                "path": f"{made.study}/{row}.png",
                # A costly model has maps of occlusion of the first images alone.
                "maps": maps if row < 4 else {"grad_cam": maps["grad_cam"]},
            }
        )
    gallery = {
        "model": compared["best"],
        "body": 0.625,
        "methods": {key: {"of": of[key], "images": 5, "checked": 5, **maps[key]} for key in of},
        "images": {"errors": items[:2], "uncertain": items[2:3], "typical": items[3:]},
    }
    files.write_json(made.path(paths.metrics("explain", made.study)), gallery)


def write_planted(made: Example) -> None:
    """Two near copies, of which one was planted, and a planted one that is not found."""
    rows = manifest.used(made.path(paths.manifest(made.study)), "image_id", "path")
    files.write_csv(
        made.path(paths.plots("split", made.study)) / "duplicates.csv",
        ("image_id", "duplicates"),
        [(rows["image_id"].iloc[row], f"set_{row // 2}") for row in range(4)],
    )
    first, second, *_, lost, last = rows["path"]
    planted = [{"path": path, "fault": "near", "how": "jpeg", "of": of} for path, of in ((second, first), (last, lost))]
    download = files.read_json(made.path(paths.metrics("download", made.study)))
    files.write_json(made.path(paths.metrics("download", made.study)), {**download, "planted": planted})


def write_careless(made: Example) -> None:
    """Models on a plain random split: the first is far too good there, and a third is not in the run any more."""
    for model, careless in {"simple": 0.975, "lite0": 0.625, "gone": 0.5}.items():
        found = {"images": 24, "leaked": 22, "honest": claim(0.6), "careless": claim(careless)}
        files.write_json(made.path(paths.metrics("careless", made.study, model)), found)


def claim(accuracy: float) -> dict[str, float]:
    """What one split claims of a model."""
    return {
        "accuracy": accuracy, "accuracy_low": accuracy - 0.063, "accuracy_high": accuracy + 0.02,
        "auroc": 0.875, "auroc_low": 0.75, "auroc_high": 0.9375,
    }  # fmt: skip


def write_stressed(made: Example, model: str) -> None:
    """Accuracy of one model on degraded images, which falls with the strength."""
    _edit_params(made, "  stress: []", f"  stress: [{model}]")

    def around(accuracy: float) -> dict[str, float]:
        return {"accuracy": accuracy, "accuracy_low": accuracy - 0.05, "accuracy_high": accuracy + 0.04}

    degraded = {
        kind: [{"strength": strength, **around(0.8 - 0.1 * step)} for step, strength in enumerate(strengths)]
        for kind, strengths in STRENGTHS.items()
    }
    stressed = {"images": 24, "clean": around(0.85), "augmented": around(0.875), "degraded": degraded}
    files.write_json(made.path(paths.metrics("stress", made.study, model)), stressed)


def write_external(made: Example) -> None:
    """The models on another study, whose images are those of validation under another name, and a class short."""
    yaml = YAML()
    params = yaml.load(made.path(paths.PARAMS))
    params["run"]["external"] = ["elsewhere"]
    params["studies"]["elsewhere"] = {**params["studies"][made.study], "title": "Another hospital"}
    yaml.dump(params, made.path(paths.PARAMS))
    classes = np.arange(max(len(made.classes) - 1, 2))
    judge = Judge(classes, whole.load(made.path(paths.PARAMS)).evaluate, seed=0)
    evaluated = base.read(made.path(paths.metrics("evaluate", made.study)), dict[str, Evaluated])
    names = [made.classes[index] for index in classes]
    record = {
        "images": 24, "groups": 20, "patients": False, "set_aside": 3,
        "copies": {"exact": 2, "near": 1, "parts": {"train": 2, "validation": 0, "test": 1}},
        "doubts": [{"severity": "warning", "kind": "flat_images", "text": "<4> flat", "count": 4, "examples": ["a"]}],
        "classes": names,
        "absent": [name for name in made.classes if name not in names],
        "prevalence": {
            name: {"external": 0.375, "home": 0.25, "difference": 0.125, "low": -0.1, "high": 0.3} for name in names
        },
        "unlike": {
            side: {"share": share, "share_low": share / 2, "share_high": share * 2}
            for side, share in (("external", 0.375), ("home", 0.0625))
        },
        "models": {model: _tested(made, model, judge, fitted) for model, fitted in evaluated.items()},
    }  # fmt: skip
    base.write(made.path(paths.metrics("external", made.study, "elsewhere")), External, record)


def _tested(made: Example, model: str, judge: Judge, fitted: Evaluated) -> dict[str, Any]:
    table = predictions.read(made.predictions_of(model))
    there, home = (
        part.at(np.flatnonzero(np.isin(part.labels, judge.classes))) for part in map(table.of, ("validation", "test"))
    )
    sides = (Images(part, part.image_ids.tolist(), patients=False) for part in (there, home))
    return judge.tested(*sides, table.of("validation"), fitted)


def write_published(made: Example) -> None:
    """The study as published, with figures of two models on the honest split."""
    column = Column(on_leak="regroup", raw_sha256="a" * 64, fingerprint="f" * 64, test_images=51)
    figures = {
        "vgg16": Figures(accuracy=0.9, cross_entropy=0.3, images=51),
        "lite0": Figures(accuracy=0.8, cross_entropy=0.5, images=51),
    }
    study = studies.load()[made.study]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        written = table(made.study, study, {"honest": Measured(column, figures)}, whole.load())
    files.write_json(made.path(paths.metrics("published", made.study)), written.model_dump(mode="json"))


def _write_data(made: Example, rows: pd.DataFrame) -> None:
    counted = {
        split: {name: int(((rows["split"] == split) & (rows["label"] == name)).sum()) for name in made.classes}
        for split in SPLITS
    }
    data = {
        "images": len(rows) + 4,
        "used": len(rows),
        "set_aside": {"unreadable": 3, "no class": 1},
        "classes": {name: int((rows["label"] == name).sum()) for name in made.classes},
        "groups": len(rows),
        "patients": None,
        "without_patient": len(rows),
        "sizes": {"min_width": 30, "max_width": 60, "min_height": 31, "max_height": 61, "distinct": 5},
        "modes": {"L": len(rows)},
        "duplicates": {"exact_groups": 7, "exact_images": 15, "near_groups": 9, "near_images": 21},
        "splits": counted,
        "on_leak": "regroup",
        "before_repair": {
            split: {
                name: {"images": images, "exact_copy": 1, "near_duplicate": 2, "patient": 0, "any": 2}
                for name, images in counted[split].items()
            }
            for split in ("validation", "test")
        },
        "leak": {
            "held_out_images": 48, "random_split_images": 12.25, "random_split_fraction": 0.255208, "this_split": 0,
        },
        "doubts": [
            {
                "severity": "warning", "kind": "patients_unknown", "text": f"patients unknown for {len(rows)} images",
                "count": len(rows), "examples": ["a <b>&.png", "c.png"],
            },
            {"severity": "note", "kind": "files_passed_over", "text": "files passed over", "count": 3, "examples": []},
        ],
        "fingerprint": "f" * 64,
    }  # fmt: skip
    files.write_json(made.path(paths.metrics("split", made.study)), data)
    balance = [(name, split, images) for split, by_class in counted.items() for name, images in by_class.items()]
    files.write_csv(made.path(paths.plots("split", made.study)) / "classes.csv", ("class", "split", "images"), balance)
    download = {"kind": "phantom", "name": "phantom.zip", "bytes": 4_200_000, "sha256": "a" * 64}
    files.write_json(made.path(paths.metrics("download", made.study)), {**download, "version": None, "licence": None})
    files.write_json(made.path(paths.metrics("ensemble", made.study)), COMBINED)
    exported = {name: _exported() | {"members": ["simple", "lite0"]} for name in (*ENSEMBLES, CASCADE)}
    files.write_json(made.path(paths.metrics("export_ensembles", made.study)), exported)
    sheet = made.path(paths.plots("prepare", made.study)) / "contact_sheet.png"
    sheet.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (1600, 600), "teal").save(sheet)
