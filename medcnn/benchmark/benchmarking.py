"""The benchmark: every engine runs every model, each in its own process, and the processes take turns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medcnn.benchmark import referee
from medcnn.benchmark.engines import available
from medcnn.benchmark.job import BASELINE, INT8, LITERT, REQUIRED, Job
from medcnn.benchmark.machine import this_machine
from medcnn.benchmark.material import Material
from medcnn.benchmark.precision import FEWEST, precise
from medcnn.benchmark.referee import UnsupportedModelError, Worker
from medcnn.benchmark.results import Measured, Results, Setup, tested
from medcnn.benchmark.subjects import Subject
from medcnn.benchmark.timing import Rounds, Span, latency, offline, single_stream, speedup, timed
from medcnn.core import files
from medcnn.core.arrays import Floats
from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import THREADS
from medcnn.params.judging.benchmark import Benchmark

Taken = Mapping[str, Rounds]
"""How long the calls of each engine took, by its name."""


@dataclass(frozen=True)
class Bench:
    """What is the same for every model.

    Attributes:
        plan: how often and how long to call.
        material: the images.
        confidence: level of the intervals of accuracy.
        folder: a folder for files that last as long as the benchmark.
        pictures: the images as files in it.
    """

    plan: Benchmark
    material: Material
    confidence: float
    folder: Path
    pictures: Sequence[str]

    @property
    def most(self) -> int:
        """How many images are timed."""
        return max(self.plan.batch_sizes)


def benchmarked(
    subjects: Sequence[Subject], plan: Benchmark, material: Material, confidence: float
) -> Iterator[Results]:
    """Benchmark one model after the other, in every engine that is installed.

    Raises:
        MedcnnError: an engine that every benchmark has cannot run a model, or the process of any engine died or hung.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Bench(plan, material, confidence, folder, material.written(folder))
        for subject in subjects:
            yield _benchmarked(subject, bench)


def _benchmarked(subject: Subject, bench: Bench) -> Results:
    machine, versions = this_machine(), available.versions()
    suited = available.suited(machine.instruction_sets)
    missing = tuple(name for name in suited if available.OPTIONAL[name] not in versions)
    failed: dict[str, str] = {}
    setup = _setup(subject, bench)
    preprocess = latency([timed(bench.material.input_array, Span(bench.plan.calls, 0))])
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name in (*REQUIRED, *(name for name in suited if name not in missing)):
            with _failure_noted(name, subject, failed):
                workers[name] = stack.enter_context(referee.start_worker(_job(subject, name, bench)))
        _check_same_images(workers, setup)
        measured = _measured(subject, workers, bench)
    return Results(setup, machine, versions, missing, failed, preprocess, measured)


@contextmanager
def _failure_noted(engine: str, subject: Subject, failed: dict[str, str]) -> Iterator[None]:
    """That an engine cannot open a model is a finding, but for the engines that must."""
    try:
        yield
    except UnsupportedModelError as error:
        if engine in REQUIRED:
            raise MedcnnError(f"{engine} cannot run '{subject.name}': {error}") from error
        failed[engine] = str(error)


def _setup(subject: Subject, bench: Bench) -> Setup:
    plan = bench.plan
    return Setup(
        model_sha256=files.sha256(subject.onnx),
        int8_sha256=files.sha256(subject.int8),
        arrays_sha256=bench.material.checksum(bench.most),
        image_size=bench.material.image_size,
        threads=THREADS,
        rounds=plan.rounds,
        precision=plan.precision,
        warmup=plan.warmup,
        calls=plan.calls,
        seconds=plan.seconds,
        offline_seconds=plan.offline_seconds,
        batch_sizes=plan.batch_sizes,
    )


def _job(subject: Subject, engine: str, bench: Bench) -> Job:
    return Job(
        engine=engine,
        study=subject.study,
        name=subject.name,
        files={name: str(path) for name, path in _files(subject, engine, bench.folder).items()},
        temperature=subject.temperature,
        prepared=str(bench.material.prepared),
        indices=tuple(bench.material.test.indices.tolist()),
        most=bench.most,
        multi_label=bench.material.test.labels.ndim == 2,
    )


def _files(subject: Subject, engine: str, folder: Path) -> Mapping[str, Path]:
    if engine == BASELINE:
        return subject.networks
    if engine != LITERT:
        return {subject.name: subject.int8 if engine == INT8 else subject.onnx}
    converted = {name: folder / f"{name}.tflite" for name in subject.networks}
    for name, path in converted.items():
        if not path.exists():
            referee.convert(subject.networks[name], path)
    return converted


def _check_same_images(workers: Mapping[str, Worker], setup: Setup) -> None:
    for name, worker in workers.items():
        if worker.ask("checksum") != setup.arrays_sha256:
            raise MedcnnError(f"{name} reads other test images than the manifest names; run `dvc repro prepare`")


def _measured(subject: Subject, workers: Mapping[str, Worker], bench: Bench) -> dict[str, Measured]:
    """Everything in turn: single stream, offline, from files, and the whole test set; the peak of memory comes last."""
    plan, material = bench.plan, bench.material
    for worker in workers.values():
        worker.ask("calls", batch_size=1, calls=plan.warmup, seconds=0)
    single = _until_precise(workers, bench)
    brief, rounds = Span(1, plan.offline_seconds / FEWEST), FEWEST
    batches = {size: _in_turns(workers, rounds, brief, "calls", batch_size=size) for size in plan.batch_sizes}
    pictures = {"paths": bench.pictures, "size": material.image_size, "fit": material.fit}
    read = _in_turns(workers, rounds, brief, "from_files", **pictures)
    answers = {name: _answers(worker, len(material.test), bench.most) for name, worker in workers.items()}
    return {
        name: Measured(
            precision=subject.precision(name),
            single_stream=single_stream(single[name], plan.noisy),
            offline={size: offline(taken[name], size) for size, taken in batches.items()},
            end_to_end=latency(read[name]),
            cold_start_ms=worker.cold_start_ms,
            peak_memory_mib=worker.ask("peak_memory_mib"),
            file_bytes=sum(path.stat().st_size for path in _files(subject, name, bench.folder).values()),
            test=tested(answers[name], answers[BASELINE], material.test.labels, material.test.groups, bench.confidence),
            speedup=speedup(single[BASELINE], single[name]) if name != BASELINE else None,
        )
        for name, worker in workers.items()
    }


def _until_precise(workers: Mapping[str, Worker], bench: Bench) -> Taken:
    """Single-stream calls in turns, until every speed-up is known well enough, or the rounds are over."""
    plan = bench.plan
    part = Span(plan.calls, plan.seconds).shared(plan.rounds)
    taken: dict[str, list[Sequence[float]]] = {name: [] for name in workers}
    for _ in range(plan.rounds):
        for name, calls in _in_turns(workers, 1, part, "calls", batch_size=1).items():
            taken[name] += calls
        baseline = taken[BASELINE]
        if all(precise(baseline, rounds, plan.precision, bench.confidence) for rounds in taken.values()):
            break
    return taken


def _in_turns(workers: Mapping[str, Worker], rounds: int, span: Span, command: str, **arguments: Any) -> Taken:
    """Time every engine in every round, so that a machine's drift meets all alike; ``span`` is of one round."""
    turns = [
        {
            name: worker.ask(command, calls=span.calls, seconds=span.seconds, **arguments)
            for name, worker in workers.items()
        }
        for _ in range(rounds)
    ]
    return {name: [turn[name] for turn in turns] for name in workers}


def _answers(worker: Worker, images: int, batch_size: int) -> Floats:
    """The engine's probabilities (N, C) for the whole test set.

    Raises:
        MedcnnError: one of them is not a number.
    """
    starts = range(0, images, batch_size)
    parts = [worker.ask("probabilities", start=start, stop=min(start + batch_size, images)) for start in starts]
    answers = np.concatenate(parts).astype(np.float64)
    if not np.isfinite(answers).all():
        raise MedcnnError(
            f"{worker.engine} answers some test images with what is not a number; its files may be damaged"
        )
    return answers
