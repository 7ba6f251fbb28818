from __future__ import annotations

from pathlib import Path

import pytest

from medcnn import files, layout
from medcnn.seeding import THREADS
from tests.onnx.networks import small_network
from tests.project import SIZE, prepared_study, run, shrink

pytestmark = pytest.mark.slow

CLASSES = ("healthy", "nodule", "spiculated", "ground_glass")
TIMINGS = layout.metrics("benchmark", "phantom", "small")
SETUP = layout.benchmarked("phantom", "small")
PLAN = {"benchmark.batch_sizes": [1, 8], "benchmark.warmup": 2, "benchmark.calls": 12}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared study, and a model as if it had been trained and exported, timed once."""
    from medcnn.models import saving
    from medcnn.onnx.export import serialized

    folder = shrink(tmp_path_factory.mktemp("project"), {"studies.phantom.image_size": SIZE, **PLAN})
    prepared_study(folder, "phantom", CLASSES)
    model = small_network(4, SIZE)
    saving.save(model, folder / layout.keras_model("phantom", "small"))
    files.write_bytes(folder / layout.onnx_model("phantom", "small"), serialized(model, {}))
    done = run(folder, "stages.benchmark", "phantom", "small")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_both_engines_are_timed_at_every_batch_size(folder: Path) -> None:
    timings = files.read_json(folder / TIMINGS)
    assert set(timings["latency"]) == {"tensorflow", "onnxruntime"}
    for by_size in timings["latency"].values():
        assert set(by_size) == {"1", "8"}
        for size, summary in by_size.items():
            assert 0 < summary["p50_ms"] <= summary["p90_ms"] <= summary["p99_ms"] < 1000
            # A mean call is no faster than half the median, and no slower than the slowest of a dozen.
            assert summary["images_per_second"] <= 2 * int(size) * 1000 / summary["p50_ms"]
    for ratio in timings["speedup"]["onnxruntime"].values():
        assert 0 < ratio["lowest"] <= ratio["median"] <= ratio["highest"]
    assert timings["machine"]["cpu"]
    assert timings["threads"] == THREADS
    assert set(timings["versions"]) == {"tensorflow", "keras", "onnxruntime", "numpy"}


def test_what_was_timed_is_the_same_in_every_run(folder: Path) -> None:
    before = (folder / SETUP).read_bytes()
    (folder / SETUP).unlink()
    assert run(folder, "stages.benchmark", "phantom", "small").returncode == 0
    assert (folder / SETUP).read_bytes() == before
    setup = files.read_json(folder / SETUP)
    assert setup.pop("model_sha256") == files.sha256(folder / layout.onnx_model("phantom", "small"))
    assert len(setup.pop("arrays_sha256")) == 64
    assert setup == {
        "engines": ["tensorflow", "onnxruntime"],
        "batch_sizes": [1, 8],
        "image_size": SIZE,
        "rounds": 5,
        "warmup": 2,
        "calls": 15,
        "threads": THREADS,
    }


def test_a_model_that_was_not_exported_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    from medcnn.models import saving

    shrink(tmp_path, PLAN)
    prepared_study(tmp_path, "phantom", CLASSES)
    saving.save(small_network(4, SIZE), tmp_path / layout.keras_model("phantom", "small"))
    done = run(tmp_path, "stages.benchmark", "phantom", "small")
    assert done.returncode == 1
    assert done.stderr == (
        "error: data/models/phantom/small/model.onnx not found: export the model first (`dvc repro`)\n"
    )
    assert not (tmp_path / TIMINGS).exists()
    assert not (tmp_path / SETUP).exists()
