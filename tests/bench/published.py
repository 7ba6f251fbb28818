"""The pipeline beside the published way of transfer learning, which runs a frozen backbone again in every epoch."""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from medcnn.core import files
from medcnn.dataset import manifest
from medcnn.params import whole
from medcnn.runtime import paths
from tests.bench.timing import costed, output
from tests.project import ROOT, shrink

STUDY = "brain_mri"
PRECISIONS = ("float32", "bfloat16")
SECOND_HEAD_BAR = 15.0
FORWARD_BAR = 0.85


@dataclass(frozen=True)
class Case:
    """A model, as the published script calls it, and how many times faster the pipeline has to be, by precision."""

    model: str
    published: tuple[str, ...]
    epochs: int
    bars: tuple[float, float]


CASES = (
    Case("vgg16", ("--model", "vgg16"), 15, (12, 15)),
    Case("resnet50v2", ("--model", "resnet50v2"), 30, (15, 20)),
    Case("vgg19_augmented", ("--model", "vgg19", "--augment"), 15, (3.5, 6)),
)


class Spent(NamedTuple):
    """Seconds by the clock, and those that all processes computed, which a busy machine changes less."""

    clock: float
    computed: float


@dataclass(frozen=True)
class Published:
    """The published script, and how many of its epochs are run; the others are taken to last as long as the later."""

    script: Path
    epochs: int

    def spent(self, images: Path, case: Case) -> Spent:
        """Seconds of its ``fit`` by the clock, without imports and its pass over the test images; by CPU with them."""
        first, some = self._fit(images, case, 1), self._fit(images, case, self.epochs)
        more = (case.epochs - 1) / (self.epochs - 1)
        return Spent(*(one + (several - one) * more for one, several in zip(first, some, strict=True)))

    def _fit(self, images: Path, case: Case, epochs: int) -> Spent:
        command = (str(self.script), str(images), *case.published, "--epochs", str(epochs), "--weights", "none")
        before = _computed()
        clock = float(json.loads(output(images, sys.executable, *command).splitlines()[-1])["seconds"])
        return Spent(clock, _computed() - before)


@dataclass
class Timings:
    """Seconds of one case, a figure a round."""

    published: list[Spent] = field(default_factory=list)
    stages: dict[str, list[dict[str, Spent]]] = field(default_factory=lambda: {name: [] for name in PRECISIONS})
    second_head: list[Spent] = field(default_factory=list)

    def total(self, precision: str) -> list[Spent]:
        """From ``download`` to the predictions, all process starts counted."""
        return [Spent(*map(sum, zip(*stages.values(), strict=True))) for stages in self.stages[precision]]


def main(archive: Path, published: Published, rounds: int, models: Sequence[str]) -> None:
    """Print the speeds beside their bars, and where the pipeline's time goes."""
    cases = [case for case in CASES if case.model in models]
    timings = {case.model: Timings() for case in cases}
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), archive.resolve())
        for _ in range(rounds):
            for case in cases:
                bench.measure(case, published, timings[case.model])
        forward = bench.forward(list(timings))
    _print_table(timings, forward)
    _print_stages(timings)
    print(
        f"Medians of {rounds} round(s). The published script's figure is its fit alone, of all images outside the test "
        f"part; of its epochs {published.epochs} were run (the first apart), the rest is scaled from the later ones. "
        "Weights are random: speed does not depend on them."
    )


class Bench:
    """Projects in a throwaway folder, with random weights where the fetched ones would lie."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self._folder = folder
        self._archive = archive
        self._weights = {name: folder / "weights" / f"{name}.h5" for name in ("VGG16", "VGG19", "ResNet50V2")}
        pairs = (f"{name}={path}" for name, path in self._weights.items())
        _python(folder, "-m", "tests.bench.random_weights", *pairs)
        self._images = self._write_images()

    def measure(self, case: Case, published: Published, timings: Timings) -> None:
        """One round: the published way, then the pipeline in both precisions, then a second head."""
        timings.published.append(published.spent(self._images, case))
        for precision in PRECISIONS:
            project = self._project(case, precision)
            stages = {stage: _stage(project, stage, *arguments) for stage, *arguments in _stages(case.model)}
            timings.stages[precision].append(stages)
        # The last project's backbone has run; another dropout is another head.
        shrink(project, self._changes(case, precision) | {f"models.{case.model}.dropout": 0.1})
        timings.second_head.append(_stage(project, "train", STUDY, case.model))

    def forward(self, models: list[str]) -> dict[str, dict[str, dict[str, float]]]:
        """Rates of the backbones of some models, from a process of its own."""
        shrink(self._folder, {})
        found: dict[str, dict[str, dict[str, float]]] = json.loads(
            _python(self._folder, "-m", "tests.bench.forward", *models)
        )
        return found

    def _write_images(self) -> Path:
        """The images in folders as the published script wants them: our test part, and all others to train on."""
        project, images = self._project(CASES[0], PRECISIONS[0]), self._folder / "images"
        for stage in ("download", "split"):
            _stage(project, stage, STUDY)
        with zipfile.ZipFile(self._archive) as archive:
            for row in manifest.used(project / paths.manifest(STUDY)).itertuples():
                target = images / ("test" if row.split == "test" else "train") / row.label / Path(row.path).name
                files.write_bytes(target, archive.read(row.path))
        return images

    def _project(self, case: Case, precision: str) -> Path:
        """A fresh project."""
        project = self._folder / "project"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir()
        shrink(project, self._changes(case, precision))
        return project

    def _changes(self, case: Case, precision: str) -> dict[str, object]:
        """What differs from the real params.yaml: the source, the weights, and that all epochs are run."""
        backbone = whole.load(ROOT / paths.PARAMS).model(case.model).backbone
        return {
            "compute.precision": precision,
            f"studies.{STUDY}.source": {"kind": "archive", "path": str(self._archive)},
            f"models.{case.model}.epochs": case.epochs,
            f"models.{case.model}.patience": case.epochs,
            f"models.{case.model}.weights": str(self._weights[backbone]),
        }


def _stages(model: str) -> tuple[tuple[str, ...], ...]:
    """The stages from the archive to the predictions, with their arguments."""
    return (("download", STUDY), ("split", STUDY), ("prepare", STUDY), ("weights", model), ("train", STUDY, model))


def _stage(project: Path, stage: str, *arguments: str) -> Spent:
    cost = costed(project, sys.executable, "-m", f"stages.{stage}", *arguments, PYTHONPATH=str(ROOT))
    return Spent(cost.seconds, cost.computed)


def _computed() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _python(folder: Path, *arguments: str) -> str:
    return output(folder, sys.executable, *arguments, environment={"PYTHONPATH": str(ROOT)})


def _print_table(timings: dict[str, Timings], forward: dict[str, dict[str, dict[str, float]]]) -> None:
    print(f"{'seconds by the clock / of CPU':<44}{'published':>16}{'here':>16}{'ratio':>14}{'bar':>8}")
    for case in CASES:
        if case.model not in timings:
            continue
        measured = timings[case.model]
        for precision, bar in zip(PRECISIONS, case.bars, strict=True):
            published, here = measured.published, measured.total(precision)
            ratios = [Spent(*(a / b for a, b in zip(*pair, strict=True))) for pair in zip(published, here, strict=True)]
            what = f"{case.model}, {case.epochs} epochs, {precision}"
            print(f"{what:<44}{_both(published):>16}{_both(here):>16}{_both(ratios):>14}{bar:>8}")
    for model, measured in timings.items():
        what = f"second head on the backbone of {model}"
        print(f"{what:<44}{'':>16}{_both(measured.second_head):>16}{'':>14}{f'< {SECOND_HEAD_BAR:.0f} s':>8}")
    for model, rates in forward.items():
        for precision, rate in rates.items():
            bar_text = f"{FORWARD_BAR}" if precision == "float32" else ""
            what = f"{model} forward, {precision}, {rate['images_per_second']:.1f} images/s"
            print(f"{what:<44}{'':>16}{'':>16}{rate['share']:>14.2f}{bar_text:>8}")


def _print_stages(timings: dict[str, Timings]) -> None:
    print("\nwhere the time goes, in seconds by the clock / of CPU")
    for model, measured in timings.items():
        for precision, rounds in measured.stages.items():
            parts = ", ".join(f"{stage} {_both([each[stage] for each in rounds])}" for stage in rounds[0])
            print(f"{model}, {precision}: {parts}")


def _both(figures: Sequence[Spent]) -> str:
    return " / ".join(f"{median(each):.1f}" for each in zip(*figures, strict=True))
