from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from medcnn.benchmark import referee
from medcnn.benchmark.job import Job
from medcnn.benchmark.referee import UnsupportedModelError, start_worker
from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import pack
from medcnn.inference import sessions
from tests.export.members import CLASSES, images, member
from tests.project import packed

IMAGES = 6
STAT = Path("/proc/self/stat")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A small exported network, and images in an array of their own, of which all but the first are tested."""
    files.write_bytes(tmp_path / "model.onnx", member(0).SerializeToString())
    packed(tmp_path / "prepared", pack.IMAGES, images(IMAGES).astype(np.uint8))
    onnx = {"small": str(tmp_path / "model.onnx")}
    tested = tuple(range(1, IMAGES))
    return Job("onnxruntime", "phantom", "small", onnx, 1.0, str(tmp_path / "prepared"), tested, 8)


def first(job: Job) -> np.ndarray:
    """The timed images: those that are tested, beginning anew after the last."""
    tested = pack.images(Path(job.prepared))[list(job.indices)].astype(np.float32)
    return np.concatenate([tested, tested])[: job.most]


def test_a_worker_answers_as_the_engine_does_in_this_process(job: Job) -> None:
    with start_worker(job) as worker:
        answers = worker.ask("probabilities", start=0, stop=len(job.indices))
        assert worker.ask("checksum") == sha256(first(job).tobytes()).hexdigest()
        assert 0 < worker.cold_start_ms < 60_000
        # A process of Python with ONNX Runtime, and no TensorFlow.
        assert 20 < worker.ask("peak_memory_mib") < 400
        for size in (1, 8):
            assert len(worker.ask("calls", batch_size=size, calls=3, seconds=0)) == 3
    expected = sessions.probabilities(sessions.load(Path(job.files["small"])), first(job)[: len(job.indices)])
    assert np.shape(answers) == (len(job.indices), CLASSES)
    np.testing.assert_allclose(answers, expected, atol=1e-7)


@pytest.mark.skipif(not STAT.exists(), reason="the system does not tell")
def test_a_worker_that_waits_uses_no_processor(job: Job) -> None:
    def seconds() -> float:
        fields = Path(f"/proc/{worker.channel.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with start_worker(job) as worker:
        worker.ask("calls", batch_size=8, calls=20, seconds=0)
        before = seconds()
        time.sleep(0.5)
        assert seconds() - before <= 0.02


def test_a_model_that_an_engine_cannot_open_is_refused_with_the_reason(job: Job) -> None:
    path = Path(job.files["small"])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnsupportedModelError, match=r"model\.onnx"), start_worker(job):
        pass


def test_a_worker_that_dies_is_named_with_its_last_words(job: Job) -> None:
    with start_worker(job) as worker:
        worker.channel.process.kill()
        with pytest.raises(MedcnnError, match=r"^onnxruntime ended \(SIGKILL\); it printed nothing$"):
            worker.ask("checksum")
    with (
        start_worker(replace(job, indices=(0, IMAGES), most=1)) as worker,
        pytest.raises(MedcnnError, match=r"^onnxruntime ended \(exit code 1\); last line: IndexError: index 6 is out"),
    ):
        worker.ask("probabilities", start=0, stop=2)


@pytest.mark.slow
def test_a_worker_that_hangs_is_given_up(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referee, "PATIENCE", 8.0)
    with start_worker(job) as worker:
        worker.channel.process.send_signal(signal.SIGSTOP)
        with pytest.raises(MedcnnError, match=r"^onnxruntime gave no answer in 8 s; it printed nothing$"):
            worker.ask("checksum")
    assert worker.channel.process.returncode == -signal.SIGKILL


def test_no_worker_outlives_an_interrupt(job: Job) -> None:
    with pytest.raises(KeyboardInterrupt), start_worker(job) as worker:
        raise KeyboardInterrupt
    assert worker.channel.process.returncode == -signal.SIGKILL
