"""The shortest way to decode and resize: a loop over Pillow. Run as a program of its own, prints seconds.

python -m tests.bench.pillow_loop ZIP SIZE FIRST LAST
"""

from __future__ import annotations

import io
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def main() -> None:
    """Decode and resize some members of a zip, one after the other, and keep the pixels in memory."""
    path, size, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    with zipfile.ZipFile(path) as archive:
        names = sorted(archive.namelist())[first:last]
        pixels = np.empty((len(names), size, size, 3), np.uint8)
        start = time.perf_counter()
        for index, name in enumerate(names):
            image = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            pixels[index] = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
