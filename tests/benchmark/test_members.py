from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medcnn.benchmark.engines import members
from medcnn.benchmark.job import Job
from medcnn.core import files
from medcnn.ensemble import combined
from medcnn.measures.calibration import scaled
from medcnn.runtime import paths
from tests.project import ROOT

STUDY = "phantom"
RECORD: dict[str, Any] = {
    "combiners": {
        "mean": {
            "members": ["one", "other"],
            "validation": {"accuracy": 0.5, "cross_entropy": 0.5},
            "weights": {"one": 0.25, "other": 0.75},
        }
    },
    "chosen": "mean",
    "cascades": {
        "one_other_cascade": {
            "first": "one",
            "second": "other",
            "temperature": 1.5,
            "threshold": 0.6,
            "validation": {"accuracy": 0.5, "cross_entropy": 0.5},
            "first_share": {"validation": 0.5, "test": 0.5},
            "macs": {"first": 1, "second": 2, "mean": 2},
        }
    },
    "macs": {},
}
IMAGES = np.linspace(0, 255, 6 * 12).reshape(6, 2, 2, 3).astype(np.float32)


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files.write_json(paths.metrics("ensemble", STUDY), RECORD)


class Networks:
    """Two networks of two classes that tell bright images from dark ones, and how many images each has seen."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {"one": 0, "other": 0}

    def together(self, names: tuple[str, ...]) -> members.Networks:
        return lambda images: np.stack([self.raw(name, images) for name in names])

    def raw(self, name: str, images: np.ndarray) -> np.ndarray:
        self.seen[name] += len(images)
        bright = images.mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - bright, bright], axis=1) if name == "one" else np.stack([bright, 1 - bright], axis=1)


def job(name: str) -> Job:
    return Job("tensorflow", STUDY, name, {}, 0.7, "", (), 1)


def test_a_network_is_calibrated() -> None:
    networks = Networks()
    expected = scaled(networks.raw("one", IMAGES), 0.7)
    np.testing.assert_array_equal(members.answering(job("one"), networks.together)(IMAGES), expected)


def test_an_ensemble_is_joined_by_its_rule_and_then_calibrated() -> None:
    networks = Networks()
    raw = 0.25 * networks.raw("one", IMAGES) + 0.75 * networks.raw("other", IMAGES)
    answer = members.answering(job("ensemble_mean"), networks.together)(IMAGES)
    np.testing.assert_allclose(answer, scaled(raw, 0.7), atol=1e-6)


def test_a_cascade_shows_the_second_network_only_what_the_first_does_not_answer() -> None:
    networks = Networks()
    both = np.stack([networks.raw("one", IMAGES), networks.raw("other", IMAGES)])
    networks.seen = {"one": 0, "other": 0}
    answer = members.answering(job("one_other_cascade"), networks.together)(IMAGES)
    cascade = combined.read(STUDY, "one_other_cascade")
    np.testing.assert_allclose(answer, scaled(cascade.rule.combine(both.astype(np.float64)), 0.7), atol=1e-12)
    assert networks.seen["one"] == len(IMAGES)
    assert 0 < networks.seen["other"] < len(IMAGES)


def test_a_cascade_whose_first_network_answers_all_does_not_run_the_second() -> None:
    networks = Networks()
    members.answering(job("one_other_cascade"), networks.together)(IMAGES[:1])
    assert networks.seen == {"one": 1, "other": 0}


def test_an_engines_process_loads_nothing_that_engines_do_without() -> None:
    script = (
        "import sys, medcnn.benchmark.worker, medcnn.benchmark.engines.members; "
        "print({'pandas', 'pyarrow', 'pydantic', 'scipy', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
