"""Every path of the pipeline, relative to the project's root, where the stages run."""

from __future__ import annotations

from pathlib import Path

PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
REPORT = Path("plots/report/index.html")
REPORT_FIGURES = Path("plots/report/figures")
TRY = Path("plots/report/try.html")
DEMO = Path("plots/demo")
PUBLISHED = Path("docs/published.md")


def raw(study: str) -> Path:
    """The folder of the raw data, which is one archive file."""
    return Path("data/raw") / study


def manifest(study: str) -> Path:
    """The manifest: one row an image, and the order of images everywhere."""
    return Path("data/splits") / f"{study}.csv"


def folds(study: str) -> Path:
    """What each used image is in each fold: train, validation, test or nothing."""
    return Path("data/folds") / f"{study}.csv"


def subgroups(study: str) -> Path:
    """Which subgroups each used image is in, a column for each of ``studies.S.subgroups``."""
    return Path("data/subgroups") / f"{study}.csv"


def crossval(study: str) -> Path:
    """The folder of what cross-validation and repeats trained, one folder per model."""
    return Path("data/crossval") / study


def careless(study: str) -> Path:
    """The folder of what was trained on a careless split, one folder per model."""
    return Path("data/careless") / study


def suspects(study: str) -> Path:
    """The list of labels that are probably wrong, one row per label."""
    return Path("data/suspects") / f"{study}.csv"


def cell(study: str, name: str, fold: int | str, repeat: int) -> Path:
    """The folder of one training of a model: the parts of a fold, a repeat's seed."""
    return crossval(study) / name / f"{fold}-{repeat}"


def card(study: str) -> Path:
    """The model card of a study's chosen model."""
    return Path("metrics/cards") / f"{study}.md"


def checklist(study: str) -> Path:
    """What has to hold before a study's figures are believed, and whether it does."""
    return Path("metrics/cards") / f"{study}.json"


def prepared(study: str) -> Path:
    """The folder of resized pixels and augmented views."""
    return Path("data/prepared") / study


def weights(model: str) -> Path:
    """The folder of a model's pretrained weights; it says so where there are none."""
    return Path("data/weights") / model


def models(study: str) -> Path:
    """The folder of every trained model of a study."""
    return Path("data/models") / study


def combined_models(study: str) -> Path:
    """The folder of every exported ensemble and cascade."""
    return Path("data/combined") / study


def chosen(study: str) -> Path:
    """The folder of the chosen model's exported files."""
    return Path("data/chosen") / study


def model(study: str, name: str) -> Path:
    """The folder of a trained model, an ensemble or a cascade."""
    return (combined_models(study) if is_combined(name) else models(study)) / name


def keras_model(study: str, name: str) -> Path:
    """The trained model for Keras."""
    return model(study, name) / "model.keras"


def onnx_model(study: str, name: str) -> Path:
    """The model for ONNX Runtime, in float32."""
    return model(study, name) / "model.onnx"


def int8_model(study: str, name: str) -> Path:
    """The model for ONNX Runtime, in int8 as far as validation allows."""
    return model(study, name) / "model.int8.onnx"


def is_combined(name: str) -> bool:
    """Whether a name is that of an ensemble or a cascade; ``params.yaml`` lets no trained model be named so."""
    return name.startswith("ensemble_") or name.endswith("_cascade")


def predictions(study: str) -> Path:
    """The folder of every trained model's predictions."""
    return Path("data/predictions") / study


def ensembles(study: str) -> Path:
    """The folder of every combiner's predictions."""
    return Path("data/ensembles") / study


def predicted(study: str, model: str) -> Path:
    """The predictions of a trained model, an ensemble or a cascade."""
    if is_combined(model):
        return ensembles(study) / f"{model.removeprefix('ensemble_')}.csv"
    return predictions(study) / f"{model}.csv"


def external(study: str, other: str) -> Path:
    """The folder of the predictions of a study's models for the images of another study."""
    return Path("data/external") / study / other


def benchmarked(study: str, name: str) -> Path:
    """What was timed and how, of one trained model: the reproducible half of a benchmark."""
    return Path("data/benchmark") / study / f"{name}.json"


def benchmarked_ensembles(study: str) -> Path:
    """The same of every ensemble and cascade, by name."""
    return Path("data/benchmark_ensembles") / f"{study}.json"


def metrics(stage: str, *names: str) -> Path:
    """The metrics file of a stage: ``metrics/<stage>/<names...>.json``."""
    *folders, last = names
    return Path("metrics", stage, *folders, f"{last}.json")


def metrics_folder(stage: str, study: str) -> Path:
    """The folder of a stage's metrics of one study, one file per model."""
    return Path("metrics") / stage / study


def by_model(study: str) -> tuple[Path, ...]:
    """The folders, of one entry a model, that the report reads."""
    folders = ("metrics/train", "metrics/export", "metrics/benchmark", "data/benchmark", "plots/train")
    return tuple(Path(folder) / study for folder in folders)


def plots(stage: str, *names: str) -> Path:
    """The plots folder of a stage: ``plots/<stage>/<names...>``."""
    return Path("plots", stage, *names)


def project() -> Path:
    """The project's own root, also from a queued experiment, which runs in a copy below its ``.dvc/tmp/exps``."""
    here = Path.cwd()
    return next((folder.parent for folder in here.parents if folder.name == ".dvc"), here)


def pseudonyms() -> Path:
    """The key of the project's pseudonyms, a secret that neither git nor DVC takes; queued experiments share it."""
    return project() / ".medcnn" / "pseudonyms.key"


def state(kind: str) -> Path:
    """Resumable and cached work of a ``kind`` (such as backup or features): outside every DVC out, safe to delete.

    Queued experiments share it with the project that they were copied from.
    """
    return project() / ".dvc" / "tmp" / "medcnn" / kind
