"""``medcnn init`` and ``check``: from a source of images to a study in ``params.yaml``, and a look at one there."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from medcnn.core import files
from medcnn.core.choices import offer
from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.init import drafting, looking, proposing, saying, sources, words, writing
from medcnn.init.columns import Asked
from medcnn.init.looking import Look
from medcnn.init.proposing import Finding, Proposal, Wishes
from medcnn.init.sources import Named
from medcnn.params import whole
from medcnn.params.splits import StratifiedSplit
from medcnn.params.studies import Study
from medcnn.params.whole import Params
from medcnn.runtime import paths
from medcnn.split import settings as splitting

_ORDER = ("csv", "classes", "positive", "multi_label", "exclude", "group", "dicom_group")
"""The keys of ``labels`` as ``params.yaml`` has them."""
_FOLDS = range(StratifiedSplit().folds, 1, -1)


def init(options: argparse.Namespace) -> None:
    """Look at an image set and write its study.

    Raises:
        ParamsError: the images cannot be a study, in one line that says why and what to do.
    """
    settings = whole.load()
    with sources.named(options.source) as named:
        _add(options, named, settings)


def _add(options: argparse.Namespace, named: Named, settings: Params) -> None:
    name, text = _free_name(options, named, settings), paths.PARAMS.read_text(encoding="utf-8")
    with _as_users_fault(), sources.in_place(named.path) as archive:
        proposal = _asked(proposing.proposed(archive, _wishes(options, named), f"studies.{name}"), options)
        labels = {key: proposal.labels.get(key, {}) for key in _ORDER if key in ("csv", *proposal.labels)}
        block = {"title": options.title or name, "source": named.block, "labels": labels}
        splits = _splits(proposal, options.split)
        studies = drafting.drafts(text, name, block, splits)
        look = looking.looked(archive, studies, settings.seed, f"studies.{name}")
    block["title"] = options.title or _title(name, look)
    block["split"] = splits[studies.index(look.study)]
    block["images"] = {"size": options.size or look.side}
    text, length = writing.added(text, name, block, force=options.force)
    drafting.check(text)
    if not options.dry_run:
        files.write_text(paths.PARAMS, text)
    findings = _settled(proposal, look, options.size)
    if options.format == "json":
        _print_json({**saying.as_json(look, findings, name), "block": block, "written": not options.dry_run})
        return
    print(*saying.lines(look, findings), sep="\n")
    done = "would write" if options.dry_run else "wrote"
    print(f"{done} studies.{name} to {paths.PARAMS} ({length} lines). Next: medcnn run {name}")


def check(options: argparse.Namespace) -> None:
    """Check ``params.yaml``, and look at the images of a study as ``init`` does.

    Raises:
        ParamsError: a wrong key, or images that cannot be the study.
    """
    settings = whole.load()
    if not options.study:
        run = settings.run
        print(f"{paths.PARAMS}: no mistake found; to run: {', '.join(run.studies)} with {', '.join(run.trained)}")
        return
    study = settings.study(options.study)
    view = splitting.Study.model_validate(study.model_dump())
    with _as_users_fault(), sources.opened(study.source, options.study) as archive:
        look = looking.looked(archive, [view], settings.seed, f"studies.{options.study}")
    findings = _stated(study)
    if options.format == "json":
        _print_json(saying.as_json(look, findings, options.study))
    else:
        print(*saying.lines(look, findings), sep="\n")


def _free_name(options: argparse.Namespace, named: Named, settings: Params) -> str:
    name: str = options.name or options.named or words.identifier(named.stem)
    if not re.fullmatch("[A-Za-z0-9_]+", name):
        raise ParamsError(f"'{name}' cannot be the name of a study: give one of letters, digits and _ by --name")
    if name in settings.studies and not options.force:
        raise ParamsError(
            f"{paths.PARAMS}: studies.{name} is there already; choose another --name, or replace it by --force"
        )
    return name


def _wishes(options: argparse.Namespace, named: Named) -> Wishes:
    of_table = options.columns or ()
    table = Asked(options.csv or named.table, options.image, options.label, of_table, options.patient)
    patients = (options.group, options.no_patients)
    return Wishes(options.classes, options.positive, *patients, options.split, tuple(options.exclude), table)


def _asked(proposal: Proposal, options: argparse.Namespace) -> Proposal:
    """The proposal with an answer to what the data does not say, where somebody sits at a terminal."""
    positive = proposal.finding("positive")
    names = list(dict.fromkeys(proposal.labels["classes"].values()))
    if options.yes or not (sys.stdin.isatty() and sys.stderr.isatty()) or len(names) != 2 or positive is None:
        return proposal
    if positive.value:
        return proposal
    print(f"Which class is looked for, {' or '.join(names)}? (empty for neither) ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    if answer and answer not in names:
        raise ParamsError(f"'{answer}' is no class; {offer(answer, names)}")
    return proposal.with_positive(answer) if answer else proposal


def _splits(proposal: Proposal, wished: str) -> list[dict[str, Any]]:
    """The split that is proposed, with as many folds as the images allow, and a drawn one where it cannot be made."""
    kinds = [proposal.split] if wished or not proposal.split else [proposal.split, {}]
    return [{**kind, **({} if folds == _FOLDS[0] else {"folds": folds})} for kind in kinds for folds in _FOLDS]


def _settled(proposal: Proposal, look: Look, size: int) -> tuple[Finding, ...]:
    """The findings with what only the look at the images decided."""
    found = [finding for finding in proposal.findings if finding.about != "split"]
    split, kind = proposal.finding("split"), look.study.split.kind
    if split is not None and look.fault and split.value != kind:
        fault = f"the author's parts cannot be used: {look.fault}"
        split = Finding("split", kind, "drawn by class and patient", fault)
    elif split is not None and look.fault:
        split = replace(split, doubt=f"{look.study.split.folds} folds, as the images are few. {split.doubt}".strip())
    median = f"images of {look.median[0]} x {look.median[1]} in the median, {look.facts.used:,} of them"
    chosen = Finding("size", size, "from --size") if size else Finding("size", look.side, median, "--size to change")
    return (*found, *([split] if split else []), chosen)


def _stated(study: Study) -> tuple[Finding, ...]:
    """What the block of a study says, as findings."""
    labels, split = study.labels, study.split
    by = f"from column {labels.csv.label} of {labels.csv.file}" if labels.csv.file else "from labels.classes"
    column = f"from column {labels.csv.group} of {labels.csv.file}" if labels.csv.file and labels.csv.group else ""
    pattern = f"from labels.group, {labels.group}" if labels.group else ""
    element = f"from the DICOM element {labels.dicom_group}" if labels.dicom_group else ""
    where = " and ".join(filter(None, [column, pattern, element]))
    found = [
        Finding("classes", list(labels.class_names), by),
        Finding("positive", labels.positive or "", "from labels.positive" if labels.positive else "none is named"),
        Finding("patients", labels.group or "", where or "nothing names them: see labels.group"),
        Finding("split", split.kind, "from split.kind"),
        Finding("size", study.images.size, "from images.size"),
    ]
    return (*found, *([Finding("exclude", list(labels.exclude), "from labels.exclude")] if labels.exclude else []))


def _title(name: str, look: Look) -> str:
    shown = name.replace("_", " ")
    *others, last = (label.replace("_", " ") for label in look.facts.classes)
    return f"{shown[:1].upper()}{shown[1:]}: {', '.join(others)} or {last}"


def _print_json(tree: dict[str, Any]) -> None:
    print(json.dumps(tree, indent=2, ensure_ascii=False))


@contextmanager
def _as_users_fault() -> Iterator[None]:
    """Faults of the images, or of what was said of them, end with the exit code of wrong input."""
    try:
        yield
    except MedcnnError as error:
        raise ParamsError(str(error)) from error
