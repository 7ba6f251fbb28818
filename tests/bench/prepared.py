"""How long ``prepare`` takes for the first images of a split study, without imports: prints seconds.

python -m tests.bench.prepared STUDY IMAGES
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from medcnn.dataset import manifest
from medcnn.params import whole
from medcnn.prepare import preparing
from medcnn.reading.archive import raw_archive
from medcnn.runtime import paths


def main() -> None:
    """Prepare some images into a folder of their own."""
    study, images = sys.argv[1], int(sys.argv[2])
    settings = whole.load()
    rows = manifest.used(paths.manifest(study))[:images]
    with tempfile.TemporaryDirectory(dir=Path()) as folder:
        start = time.perf_counter()
        preparing.write_images(
            raw_archive(paths.raw(study)), rows, settings.study(study).images, Path(folder), settings.compute
        )
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
