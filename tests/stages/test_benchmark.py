from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from medcnn.benchmark.engines import available
from medcnn.benchmark.job import REQUIRED
from medcnn.benchmark.machine import this_machine
from medcnn.core import files
from medcnn.core.seeding import THREADS
from medcnn.dataset import part
from medcnn.params import whole
from medcnn.runtime import paths
from tests.benchmark.study import raw_images
from tests.export.networks import STUDY, small_network, trained_study
from tests.project import ROOT, SIZE, run, stage

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

PLAN = {
    "benchmark__batch_sizes": [1, 8],
    "benchmark__rounds": 3,
    "benchmark__precision": 1e-6,
    "benchmark__warmup": 1,
    "benchmark__calls": 10,
    "benchmark__seconds": 0.05,
    "benchmark__offline_seconds": 0.05,
    "benchmark__calibration__images": 8,
}
NAMES = {"ensemble_mean", "simple_deep_cascade"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks, their mean and their cascade, exported."""
    from medcnn.export import combinations
    from medcnn.export.exporting import export

    networks = {name: small_network(4, SIZE, seed=seed) for seed, name in enumerate(("simple", "deep"))}
    folder = trained_study(
        tmp_path_factory.mktemp("project"),
        networks,
        run__cascades={"first": ["simple"], "second": ["deep"]},
        ensemble__combiners=["mean"],
        **PLAN,
    )
    raw_images(folder, STUDY)
    stage(folder, "ensemble", STUDY)
    with pytest.MonkeyPatch.context() as context:
        context.chdir(folder)
        settings = whole.load()
        for name, network in networks.items():
            files.write_json(paths.metrics("export", STUDY, name), export(STUDY, name, network, settings))
        files.write_json(paths.metrics("export_ensembles", STUDY), combinations.export(STUDY, settings))
        ends = {"best": "deep", "worst": "simple"}
        compared = {"ranking": ["deep", *sorted(NAMES), "simple"], "pairs": [], "same_as_best": {}}
        files.write_json(paths.metrics("comparisons", STUDY), {**ends, "networks": ends, **compared})
    return folder


@pytest.fixture(scope="module")
def network(folder: Path) -> dict[str, Any]:
    done = run(folder, "stages.benchmark", STUDY, "simple")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{STUDY}, simple: tensorflow ")
    return files.read_json(folder / paths.metrics("benchmark", STUDY, "simple"))


@pytest.fixture(scope="module")
def combined(folder: Path) -> dict[str, dict[str, Any]]:
    done = run(folder, "stages.benchmark_ensembles", STUDY)
    assert (done.returncode, done.stderr) == (0, "")
    return {name: files.read_json(folder / paths.metrics("benchmark", STUDY, name)) for name in NAMES}


def check(block: dict[str, Any]) -> None:
    """Every engine that is installed is there, with figures that can be true."""
    suited = available.suited(this_machine().instruction_sets)
    installed = {name for name in suited if available.OPTIONAL[name] in available.versions()}
    assert set(block["engines"]) | set(block["failed"]) == {*REQUIRED, *installed}
    assert set(REQUIRED) <= set(block["engines"])
    assert set(block["missing"]) == set(suited) - installed
    assert ("speedup" in block["engines"]["tensorflow"]) is False
    for name, engine in block["engines"].items():
        single = engine["single_stream"]
        assert 0 < single["p50_ms"] <= single["p90_ms"] <= single["p99_ms"]
        assert single["calls"] >= 10 and single["seconds"] >= 0.05
        assert len(single["rounds_p50_ms"]) == 3
        assert single["noisy"] == (single["spread"] > 0.2)
        assert {size: found["calls"] >= 3 for size, found in engine["offline"].items()} == {"1": True, "8": True}
        # A file has to be read, decoded and resized before it is answered.
        assert engine["end_to_end"]["calls"] >= 3
        assert engine["cold_start_ms"] > 10 * single["p50_ms"]
        assert engine["peak_memory_mib"] > 20
        assert engine["file_bytes"] > 1000
        test = engine["test"]
        assert test["images"] == 24
        assert test["accuracy_low"] <= test["accuracy"] <= test["accuracy_high"]
        if engine["precision"] == "float32":
            assert test["largest_difference"] < 1e-4
        if name != "tensorflow":
            ratio = engine["speedup"]
            assert 0 < ratio["lowest"] <= ratio["median"] <= ratio["highest"]


def test_a_network_is_timed_and_tested_in_every_engine(network: dict[str, Any]) -> None:
    check(network)
    assert 0 < network["preprocess"]["p50_ms"] <= network["preprocess"]["p99_ms"]
    assert network["preprocess"]["calls"] == 10
    assert network["threads"] == THREADS
    assert network["machine"]["cpu"]
    assert {"tensorflow", "keras", "onnxruntime", "numpy"} <= set(network["versions"])
    # TensorFlow is in the process of its own engine alone.
    memory = {name: engine["peak_memory_mib"] for name, engine in network["engines"].items()}
    assert memory["onnxruntime"] < memory["tensorflow"] / 2


def test_ensembles_and_cascades_are_timed_like_networks(combined: dict[str, dict[str, Any]], folder: Path) -> None:
    for block in combined.values():
        check(block)
    setups = files.read_json(folder / paths.benchmarked_ensembles(STUDY))
    assert set(setups) == NAMES
    for name, setup in setups.items():
        assert setup["model_sha256"] == files.sha256(folder / paths.onnx_model(STUDY, name))


def test_what_was_timed_is_recorded_without_anything_of_the_machine(
    network: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    setup = files.read_json(paths.benchmarked(STUDY, "simple"))
    test = part.read(STUDY, whole.load().study(STUDY).labels.class_names)
    assert setup == {
        "model_sha256": files.sha256(paths.onnx_model(STUDY, "simple")),
        "int8_sha256": files.sha256(paths.int8_model(STUDY, "simple")),
        "arrays_sha256": hashlib.sha256(test.first(8).tobytes()).hexdigest(),
        "image_size": SIZE,
        "threads": THREADS,
        "rounds": 3,
        "precision": 1e-6,
        "warmup": 1,
        "calls": 10,
        "seconds": 0.05,
        "offline_seconds": 0.05,
        "batch_sizes": [1, 8],
    }
    assert {key: network[key] for key in ("model_sha256", "int8_sha256", "arrays_sha256", "image_size")}.items() <= (
        setup.items()
    )


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    """The project without benchmarks."""
    copy = tmp_path / "project"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("benchmark*"))
    return copy


def nothing_written(folder: Path) -> bool:
    return not any((folder / path).exists() for path in ("metrics/benchmark", "data/benchmark"))


def test_a_model_that_was_not_exported_is_named_and_nothing_is_written(copied: Path) -> None:
    (copied / paths.int8_model(STUDY, "simple")).unlink()
    done = run(copied, "stages.benchmark", STUDY, "simple")
    assert done.returncode == 1
    assert done.stderr == (
        "error: data/models/phantom/simple/model.int8.onnx not found: train and export the model first (`dvc repro`)\n"
    )
    assert nothing_written(copied)


def test_a_file_that_an_engine_cannot_open_is_named_with_the_engine(copied: Path) -> None:
    (copied / paths.keras_model(STUDY, "simple")).write_bytes(b"no model")
    done = run(copied, "stages.benchmark", STUDY, "simple")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: tensorflow cannot run 'simple': data/models/phantom/simple/model.keras is not a"
    )
    assert done.stderr.count("\n") == 1
    assert nothing_written(copied)


def test_an_interrupt_ends_every_process(copied: Path) -> None:
    command = [sys.executable, "-m", "stages.benchmark", STUDY, "simple"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    stage = subprocess.Popen(command, cwd=copied, env=environment, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{stage.pid}/task/{stage.pid}/children")
    deadline = time.monotonic() + 60
    while not (workers := children.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    stage.send_signal(signal.SIGINT)
    _, said = stage.communicate(timeout=60)
    assert (stage.returncode, said) == (130, "interrupted: run the same command again to go on\n")
    # One that was just being started is not killed: it ends by itself when the other side of its connection is gone.
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert nothing_written(copied)
