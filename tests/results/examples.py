"""Whole records of ``metrics/`` with made-up figures, for tests that care for a few of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medcnn.params.judging.figures import CALIBRATED, FIGURES, SCORED, Figure


def split(**changes: Any) -> dict[str, Any]:
    """``metrics/split/S.json`` of a study with two classes and no patients."""
    parts = {"train": 3, "validation": 1, "test": 1}
    related = {"images": 2, "exact_copy": 0, "near_duplicate": 1, "patient": 0, "any": 1}
    return {
        "images": 10,
        "used": 10,
        "set_aside": {},
        "classes": {"one": 5, "other": 5},
        "groups": 10,
        "patients": None,
        "without_patient": 10,
        "sizes": {"min_width": 32, "max_width": 32, "min_height": 32, "max_height": 32, "distinct": 1},
        "modes": {"L": 10},
        "duplicates": {"exact_groups": 0, "exact_images": 0, "near_groups": 0, "near_images": 0},
        "splits": {part: {"one": images, "other": images} for part, images in parts.items()},
        "on_leak": "regroup",
        "before_repair": {"validation": {"one": related}, "test": {"other": related}},
        "leak": {
            "held_out_images": 4, "random_split_images": 0.0, "random_split_fraction": 0.0, "this_split": 0,
        },
        "doubts": [],
        "fingerprint": "f" * 64,
    } | changes  # fmt: skip


def download(**changes: Any) -> dict[str, Any]:
    """``metrics/download/S.json``."""
    return {
        "kind": "phantom", "name": "phantom.zip", "bytes": 1000, "sha256": "a" * 64, "version": None, "licence": None,
    } | changes  # fmt: skip


def trained(**changes: Any) -> dict[str, Any]:
    """``metrics/train/S/M.json``."""
    parts = {"train": 0.5, "validation": 0.5}
    numbers = {"epochs": 5, "best_epoch": 4, "parameters": 660993, "trainable_parameters": 5124, "macs": 1000}
    return {**numbers, "loss": parts, "accuracy": parts} | changes


def compared(best: str, *others: str, **changes: Any) -> dict[str, Any]:
    """``metrics/comparisons/S.json`` without pairs."""
    ends = {"best": best, "worst": (best, *others)[-1]}
    return {**ends, "networks": ends, "ranking": [best, *others], "pairs": [], "same_as_best": {}} | changes


def evaluated(**test: Any) -> dict[str, Any]:
    """A model's block of ``metrics/evaluate/S.json`` without classes; the arguments are its figures on test."""
    held_out = {"support": 10, "groups": 10, "classes": {}} | _halves(
        figure for figure in FIGURES if not figure.by_patient
    )
    calibrated = _halves(CALIBRATED)
    shares = dict.fromkeys(("coverage", "coverage_low", "coverage_high", "mean_size", "singletons", "empty"), 0.5)
    return {
        "train": {"support": 10, "classes": {}} | {figure.key: 0.5 for figure in SCORED},
        "validation": held_out,
        "test": held_out | test,
        "balance": 0.5,
        "average": 0.5,
        "composite": 0.5,
        "calibration": {**calibrated, "temperature": 1.0, "before": calibrated},
        "operating_points": {},
        "conformal": {**shares, "wanted": 0.9, "threshold": 0.5, "images": 10},
    }


def _halves(figures: Iterable[Figure]) -> dict[str, float]:
    return {key: 0.5 for figure in figures for key in figure.keys}


def engine(p50_ms: float, accuracy: float, noisy: bool = False, **changes: Any) -> dict[str, Any]:
    """One engine of ``metrics/benchmark/S/M.json``."""
    times = {"p50_ms": p50_ms, "p90_ms": 2 * p50_ms, "p99_ms": 3 * p50_ms, "calls": 100}
    test = {"images": 24, "accuracy": accuracy, "accuracy_low": accuracy, "accuracy_high": accuracy}
    return {
        "precision": "float32",
        "single_stream": {**times, "seconds": 1.0, "rounds_p50_ms": [p50_ms], "spread": 0.0, "noisy": noisy},
        "offline": {size: {"images_per_second": 10.0 * int(size), "calls": 10} for size in ("8", "32")},
        "end_to_end": times,
        "cold_start_ms": 100.0,
        "peak_memory_mib": 50.0,
        "file_bytes": 1000,
        "test": {**test, "largest_difference": 0.0},
    } | changes


def timed(**engines: dict[str, Any]) -> dict[str, Any]:
    """``metrics/benchmark/S/M.json``."""
    return {
        "model_sha256": "0" * 64,
        "int8_sha256": "1" * 64,
        "arrays_sha256": "3" * 64,
        "image_size": 32,
        "threads": 2,
        "machine": {
            "architecture": "x86_64", "cores": 2, "cpu": "A processor", "instruction_sets": ["avx2"], "system": "Linux",
        },
        "versions": {"tensorflow": "2.21.0"},
        "missing": [],
        "failed": {},
        "preprocess": {"p50_ms": 0.2, "p90_ms": 0.2, "p99_ms": 0.4, "calls": 100},
        "engines": engines,
    }  # fmt: skip
