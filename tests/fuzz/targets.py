"""What is fed with hostile bytes, each in a child process: ``python -m tests.fuzz.targets NAME``.

The child answers each case with a line of JSON: how it ended, and by how much its memory has peaked since it began.
"""

from __future__ import annotations

import json
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from medcnn.core.errors import MedcnnError


def image(data: bytes) -> None:
    from medcnn.reading import decode

    pixels = decode.pixels(data, 32, "stretch")
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8


def scan(data: bytes) -> None:
    from medcnn.params.shared.images import Reading
    from medcnn.reading.pictures import pictures

    found = [picture.image for picture in pictures(data, "some.dcm", Reading())]
    assert found
    assert all(image.mode == "RGB" for image in found)


def onnx(data: bytes) -> None:
    from medcnn.inference import sessions

    session = sessions.session(data, Path("some.onnx"))
    shape = session.get_inputs()[0].shape[1:]
    if max(shape) <= 64:
        assert len(sessions.probabilities(session, np.zeros((1, *shape), np.float32))) == 1


def exported(data: bytes) -> None:
    """As ``predict`` opens a model: the network and its card."""
    from medcnn.predict import model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(data)
        opened = model.load(path)
        side = opened.card.image_size
        if side <= 64:
            assert len(opened.probabilities(np.zeros((1, side, side, 3), np.uint8))) == 1


def keras(data: bytes) -> None:
    from medcnn.networks import saving

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(data)
        assert saving.load(path).layers


def archive(data: bytes) -> None:
    from medcnn.reading.archive import open_archive

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "some.zip")
        path.write_bytes(data)
        with open_archive(path) as opened:
            for name in opened.names():
                assert len(opened.read(name)) == opened.size(name)


def torch(data: bytes) -> None:
    from medcnn.weights import torch_file

    assert all(array.dtype in (np.float32, np.int64) for array in torch_file.read(data, "some.pth").values())


CODE = ("os.exec", "os.fork", "os.posix_spawn", "os.system", "socket.connect", "subprocess.Popen")
"""What Python raises audit events for where a file had its way."""

TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (image, scan, onnx, exported, keras, archive, torch)
}


def ended(target: Callable[[bytes], None], data: bytes) -> str:
    """``read``, ``refused: <one line>``, or whatever else was raised."""
    try:
        target(data)
    except MedcnnError as error:
        return f"refused: {error}"
    except BaseException as error:  # noqa: BLE001 (to be told to the parent)
        return f"{type(error).__name__}: {error}"
    return "read"


def peak_mebibytes() -> int:
    """The peak memory of this program alone: that of ``getrusage`` counts whoever started it too."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) >> 10


def main(name: str) -> None:
    """Answer cases until there are no more."""
    warnings.simplefilter("ignore")
    before = None
    ran: list[str] = []
    sys.addaudithook(lambda event, _: ran.append(event) if before is not None and event in CODE else None)
    while size := sys.stdin.buffer.read(8):
        case = sys.stdin.buffer.read(struct.unpack("<q", size)[0])
        outcome = ended(TARGETS[name], case)
        outcome = f"ran: {ran[0]}" if ran else outcome
        peak = peak_mebibytes()
        # The first case is a whole file, which loads all libraries.
        before = peak if before is None else before
        print(json.dumps({"outcome": outcome, "mebibytes": peak - before}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
