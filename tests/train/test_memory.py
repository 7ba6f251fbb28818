"""What a study larger than memory takes: pixels are read when they are wanted, and are not kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medcnn.dataset import pack
from tests.project import ROOT

SIZE, IMAGES = 224, 10_240
SHAPE = (IMAGES, SIZE, SIZE, 3)
LEFT = 512 << 20
"""Address space, in bytes, that is left to a limited process: a third of the pixels."""
EPOCH = f"""
import json, resource, sys
from pathlib import Path
import numpy as np
from medcnn.train.batches import Batches, Pixels
from medcnn.dataset import pack

def status(key):
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key)]
    return int(line.split()[1]) * 1024

images = pack.images(Path(sys.argv[1]))
assert images.shape == {SHAPE}
labels = np.zeros(len(images), np.int64)
inputs = Pixels(images, range(len(images)), [""] * len(images), None, 1)
batches = Batches(inputs, labels, labels.astype(np.float32), 32, 1, 2)
for _, batch in zip(range(20), batches.epoch(0)):
    pass
if sys.argv[2] == "limited":
    most = status("VmSize") + {LEFT}
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
before, seen = status("VmHWM"), 0
for pixels, _, _ in batches.epoch(1):
    seen += len(pixels)
print(json.dumps({{"seen": seen, "grown": status("VmHWM") - before, "resident": status("VmRSS")}}))
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 1.5 GB of pixels, all black, so that the files are sparse and take no room."""
    folder = tmp_path_factory.mktemp("prepared")
    with pack.writing(folder, pack.IMAGES, SHAPE) as parts:
        for shard, _ in parts:
            pack.write(shard, [])
            with shard.path.open("rb+") as file:
                file.truncate(file.seek(0, 2) + int(np.prod(shard.shape)))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("memory", ["free", "limited"])
def test_an_epoch_over_more_pixels_than_memory_keeps_memory_flat(prepared: Path, memory: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EPOCH, str(prepared), memory], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["seen"] == IMAGES
    assert facts["grown"] < 32 << 20
    assert facts["resident"] < LEFT
