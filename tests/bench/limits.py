"""The stages that read images, beside what they cannot be faster than: decoding the same images, and nothing else.

All in one process and in turns, by the CPU time of all its threads, which a busy machine changes less than the clock.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from PIL import Image

from medcnn.runtime import paths
from tests.bench import archives, scale
from tests.project import stage

ROUNDS = 5
BAR = 0.8


def main(folder: Path, images: int) -> None:
    """Measure, and print a table in Markdown; archives are kept in ``folder``."""
    archives.archive(folder, images)
    with scale.throwaway(folder, images) as project:
        for name in ("download", "split", "prepare"):
            stage(project, name, scale.STUDY)
        (raw,) = (project / paths.raw(scale.STUDY)).iterdir()
        work = {
            "decoding alone": lambda: decoded(raw, None),
            f"decoding, and resizing to {scale.SIDE} pixels": lambda: decoded(raw, scale.SIDE),
            "`prepare`": lambda: stage(project, "prepare", scale.STUDY),
            "`split`": lambda: stage(project, "split", scale.STUDY),
        }
        rates = {name: images / seconds for name, seconds in _in_turns(work).items()}
    alone, resized, *_ = rates.values()
    print(f"\n| {images:,} images | images per second of CPU | of decoding alone | of decoding and resizing |")
    print("|---|--:|--:|--:|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rate / alone:.2f} | {rate / resized:.2f} |")
    print(
        f"prepare: bar {BAR} of decoding and resizing: {'held' if rates['`prepare`'] >= BAR * resized else 'NOT HELD'}"
    )


def decoded(path: Path, size: int | None) -> None:
    """Decode every member of a zip by Pillow, that is libjpeg-turbo and zlib; with a size, resize it too."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            image = Image.open(io.BytesIO(archive.read(name)))
            image.load()
            if size:
                image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)


def _in_turns(work: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of CPU."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, run in work.items():
            start = time.process_time()
            run()
            found[name].append(time.process_time() - start)
    return {name: median(seconds) for name, seconds in found.items()}
