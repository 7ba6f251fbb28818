"""The model card of a study's chosen model, as in "Model Cards for Model Reporting" (Mitchell et al., FAT* 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from medcnn.core import markdown
from medcnn.core.files import DIGITS
from medcnn.dataset.manifest import SPLITS
from medcnn.params.judging.figures import CALIBRATED, FIGURES, TESTED
from medcnn.params.shared.run import DISTILLED, FOLDS, chain, distilled, fold_ensemble
from medcnn.report import templating
from medcnn.report.checks import checklist
from medcnn.report.facts import Facts
from medcnn.report.gathering import gathered
from medcnn.report.settings import Settings
from medcnn.results.base import Record
from medcnn.results.decisions import Consequences
from medcnn.results.measured import Calibration, Subgroups
from medcnn.results.networks import Exported, Trained
from medcnn.runtime import paths

RATES = ("recall", "specificity", "precision", "f1")
OF_FINDINGS = ("auroc", "average_precision", "brier", "ece")
DECISIONS = ("sensitivity", "specificity", "ppv", "npv")
_TITLES = {figure.key: figure.title for figure in FIGURES} | {"ppv": "PPV", "npv": "NPV", "f1": "F1"}
_WANTED = {
    "sensitivity": "a sensitivity of at least {value:g}",
    "specificity": "a specificity of at least {value:g}",
    "youden": "the greatest sum of sensitivity and specificity (Youden's index)",
}


@dataclass(frozen=True)
class Member:
    """A network of the chosen model: the model itself, or one of an ensemble or a cascade.

    Attributes:
        name: of the network.
        weight: in the ensemble's mean, where it is one.
        blocks: of ``params.yaml``, by the name under ``models``: one, or two of a chain.
        trained: how its training went.
        exported: its exported files.
    """

    name: str
    weight: float | None
    blocks: dict[str, str]
    trained: Trained | None
    exported: Exported | None


def card(study: str, settings: Settings) -> str:
    """The card as Markdown; it depends on the metrics and the params alone.

    Raises:
        MedcnnError: the study was not evaluated with every model of the run.
    """
    facts = gathered(study, settings)
    environment = templating.environment(escapes=False)
    environment.filters |= {
        "figure": markdown.figure,
        "number": markdown.number,
        "signed": lambda value: f"{round(value, 4) + 0.0:+.4f}",
        "escaped": markdown.escaped,
    }
    leaked, held_out = facts.data.leaked_before_repair
    return environment.get_template("card.md.j2").render(
        facts=facts,
        settings=settings,
        block=facts.evaluated[facts.best],
        kind=_kind(facts),
        members=list(_members(facts, settings)),
        exported=facts.exported.get(facts.best),
        onnx=paths.onnx_model(study, facts.best).as_posix(),
        int8=paths.int8_model(study, facts.best).as_posix(),
        leaked=leaked,
        held_out=held_out,
        wanted=_wanted(settings),
        tables=_tables(facts),
    )


def _wanted(settings: Settings) -> str:
    point = settings.evaluate.operating_point
    return _WANTED[point.kind].format(value=point.value)


def _kind(facts: Facts) -> str:
    if facts.best in facts.combined.cascades:
        return "cascade"
    if facts.best.startswith("ensemble_"):
        return f"ensemble ({facts.best.removeprefix('ensemble_')})"
    if facts.best.endswith(FOLDS):
        return "mean of networks, each trained without one fold of the training images"
    if facts.best.endswith(DISTILLED):
        return "network that has learnt from the mean of networks trained without one fold of the training images each"
    return "chain of two networks" if facts.best.endswith("_chain") else "network"


def _members(facts: Facts, settings: Settings) -> Iterator[Member]:
    blocks: dict[str, tuple[str, ...]] = {name: (name,) for name in settings.run.models}
    blocks |= {chain(*pair): pair for pair in settings.run.chains.pairs}
    blocks |= {fold_ensemble(name): (name,) for name in settings.run.fold_ensembles}
    blocks |= {distilled(name): (name,) for name in settings.run.distil}
    combiner = facts.combined.combiners.get(facts.best.removeprefix("ensemble_"))
    weights = (combiner.weights if combiner else None) or {}
    for name in _names(facts, settings):
        yield Member(
            name=name,
            weight=weights.get(name),
            blocks={part: _as_yaml(part, settings) for part in blocks[name]},
            trained=facts.trained.get(name),
            exported=facts.exported.get(name),
        )


def _names(facts: Facts, settings: Settings) -> Sequence[str]:
    cascade = facts.combined.cascades.get(facts.best)
    if cascade:
        return cascade.first, cascade.second
    return settings.run.models if facts.best.startswith("ensemble_") else (facts.best,)


def _as_yaml(name: str, settings: Settings) -> str:
    block = settings.models[name].in_use()
    return yaml.safe_dump({name: block}, sort_keys=False, default_flow_style=None)


def _tables(facts: Facts) -> dict[str, str]:
    """Every table of the card, by its section."""
    block = facts.evaluated[facts.best]
    test = block.test
    rates = (*OF_FINDINGS, *RATES) if facts.several else RATES
    headings = ("Class", "Images", *map(_title, rates))
    of_classes = [(name, test.classes[name]) for name in facts.classes]
    classes = [(name, str(of.support), *_figures(of, rates)) for name, of in of_classes]
    shown = [figure.key for figure in FIGURES if figure.key in (test.model_extra or {})]
    return {
        "metrics": markdown.grid(("Figure", "On test"), [(_title(key), markdown.figure(test, key)) for key in shown]),
        "checks": markdown.grid(
            ("Check", "Verdict", "Figures"), [(check.title, check.verdict, check.text) for check in checklist(facts)]
        ),
        "parts": markdown.grid(("Part", *facts.classes), _parts(facts)),
        "classes": markdown.grid(headings, classes),
        "calibration": markdown.grid(("Figure", "Before", "After"), _calibration(block.calibration)),
        "operating": markdown.grid(
            ("Class", "Threshold", *map(_title, DECISIONS), "Missed", "False alarms"), _decisions(facts)
        ),
        "consequences": _consequences(block.consequences) if block.consequences else "",
        **_subgroups(block.subgroups or {}),
    }


def _parts(facts: Facts) -> Iterator[tuple[str, ...]]:
    for split in SPLITS:
        yield split, *(str(facts.data.splits[split].get(name, 0)) for name in facts.classes)


def _calibration(block: Calibration) -> Iterator[tuple[str, str, str]]:
    for figure in CALIBRATED:
        before, after = (markdown.figure(of, figure.key) for of in (block.before, block))
        yield figure.title, before, after


def _decisions(facts: Facts) -> Iterator[tuple[str, ...]]:
    points = facts.evaluated[facts.best].operating_points
    for name in facts.classes:
        if name in points:
            of = points[name]
            counts = (str(of.false_negatives), str(of.false_positives))
            yield name, markdown.number(of.threshold, DIGITS), *_figures(of, DECISIONS), *counts


def _consequences(of: Consequences) -> str:
    keys = ("lr_positive", "lr_negative", "number_to_read")
    rows = [(name, *_figures(one, keys)) for name, one in of.classes.items()]
    return markdown.grid(("Class", "LR+", "LR-", "Images read for one case"), rows)


def _subgroups(columns: Mapping[str, Subgroups]) -> dict[str, str]:
    figures = [figure.key for figure in TESTED]
    return {
        f"subgroups by {column}": markdown.grid(
            (column, "Images", "Groups", *map(_title, figures)),
            [(value, str(of.support), str(of.groups), *_figures(of, figures)) for value, of in found.groups.items()],
        )
        for column, found in columns.items()
    }


def _figures(block: Record, keys: Sequence[str]) -> list[str]:
    return [markdown.figure(block, key) for key in keys]


def _title(key: str) -> str:
    return _TITLES.get(key, key.replace("_", " ").capitalize())
