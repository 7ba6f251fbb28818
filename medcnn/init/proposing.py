"""From the names in an archive to the block of a study: what is found, from what, and what stays unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medcnn.core.choices import offer
from medcnn.core.errors import ParamsError
from medcnn.dataset.manifest import SPLITS
from medcnn.init import columns, layout, patients, scans, words
from medcnn.init.columns import Asked, Table
from medcnn.init.layout import Classes, Parts
from medcnn.params.labels import Csv, Labels
from medcnn.params.shared.classes import NO_FINDING
from medcnn.params.splits import StratifiedSplit
from medcnn.reading.archive import Archive
from medcnn.reading.names import matches
from medcnn.split import finding
from medcnn.split.inspecting import PATIENT

_SHOWN = 8


@dataclass(frozen=True)
class Wishes:
    """What the user says of the images; empty where it is to be found out.

    Attributes:
        classes: class by pattern of folders, file names or label values.
        positive: the positive class of two.
        group: regular expression whose groups name the patient in a path.
        no_patients: whether no patient is known.
        split: ``author`` or ``stratified``.
        exclude: patterns of paths that are no images of the study.
        table: what is said of the label table.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    positive: str = ""
    group: str = ""
    no_patients: bool = False
    split: str = ""
    exclude: tuple[str, ...] = ()
    table: Asked = field(default_factory=Asked)


@dataclass(frozen=True)
class Finding:
    """One thing that was found, or chosen, for the study.

    Attributes:
        about: ``classes``, ``patients``, ``split``, ``positive``, ``exclude`` or ``size``.
        value: what; plain values.
        origin: from what, in words.
        doubt: what may be wrong with it and what to do; empty where nothing is.
    """

    about: str
    value: Any
    origin: str
    doubt: str = ""


@dataclass(frozen=True)
class Proposal:
    """The blocks ``labels`` and ``split`` of a study, as far as they differ from defaults, and where they come from."""

    labels: dict[str, Any]
    split: dict[str, Any]
    findings: tuple[Finding, ...]

    def finding(self, about: str) -> Finding | None:
        """What was found about something."""
        return next((each for each in self.findings if each.about == about), None)

    def with_positive(self, name: str) -> Proposal:
        """The proposal with the class that the user looks for."""
        said = Finding("positive", name, "as answered")
        findings = tuple(said if each.about == "positive" else each for each in self.findings)
        return replace(self, labels={**self.labels, "positive": name}, findings=findings)


def proposed(archive: Archive, wishes: Wishes, where: str) -> Proposal:
    """What the names in an archive say of its images.

    Args:
        archive: the images.
        wishes: what the user says of them.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: no file may hold a picture.
        ParamsError: nothing tells their classes, or a wish fits nothing.
    """
    every = finding.found(archive, Labels.model_construct(exclude=wishes.exclude, csv=Csv()), where).names
    excluded = _excluded(every, archive, wishes.exclude)
    images = _without(every, excluded)
    parts = layout.parts(images)
    table = _table(archive, images, parts, wishes)
    classes = _of_table(table, wishes) if table else _classes(archive, images, parts, wishes)
    if table is None:
        parts, unlabelled = _labelled_parts(images, parts, classes)
        excluded, images = [*excluded, *unlabelled], _without(images, unlabelled)
    labels: dict[str, Any] = {"classes": classes.patterns}
    if table is not None:
        labels |= {"csv": table.csv, **({"multi_label": True} if table.findings else {})}
        parts = Parts(table.parts, source=table.parts_from) if table.parts else parts
    of_patients, whose = _patients(archive, images, classes, wishes, table)
    positive = _positive(classes, wishes, table)
    labels |= {**({"positive": positive.value} if positive.value else {}), **of_patients}
    if excluded:
        labels["exclude"] = [pattern for each in excluded for pattern in each.value]
    split, dealt = _split(parts, wishes)
    named = Finding("classes", list(dict.fromkeys(classes.patterns.values())), classes.origin)
    return Proposal(labels, split, (named, positive, whose, dealt, *excluded))


def _table(archive: Archive, images: Sequence[str], parts: Parts | None, wishes: Wishes) -> Table | None:
    """The label table, where the user names one, or where no folder speaks of a class."""
    by_folder = layout.classes_of_folders(images, parts.of if parts else {})
    if not wishes.table and by_folder and any(map(words.speaks_of_a_class, by_folder.folders)):
        return None
    try:
        return columns.found(archive, images, wishes.table)
    except ParamsError:
        if wishes.table or by_folder is None:
            raise
        return None


def _of_table(table: Table, wishes: Wishes) -> Classes:
    if wishes.classes:
        return Classes(dict(wishes.classes), f"from --classes, {table.origin}")
    named = {layout.literal(value): words.identifier(value) for value in table.values}
    nothing = {pattern: NO_FINDING for pattern, name in named.items() if table.findings and name in _NOTHING}
    return Classes(named | nothing, table.origin)


_NOTHING = ("no_finding", "normal", "none")


def _without(images: Sequence[str], excluded: Sequence[Finding]) -> list[str]:
    patterns = [pattern for each in excluded for pattern in each.value]
    return [name for name in images if not any(matches(name, pattern) for pattern in patterns)]


def _excluded(images: Sequence[str], archive: Archive, wished: Sequence[str]) -> list[Finding]:
    found = [Finding("exclude", list(wished), "from --exclude")] if wished else []
    copies = layout.copied_folders(images, archive.size)
    if copies:
        number = sum(copies.values())
        found.append(Finding("exclude", list(copies), f"{number} images lie one folder higher too"))
    masks = layout.masks(_without(images, found))
    if masks:
        number = sum(masks.values())
        doubt = "look at them: they are left out"
        found.append(Finding("exclude", list(masks), f"{number} masks or drawings beside their images", doubt))
    return found


def _classes(archive: Archive, images: Sequence[str], parts: Parts | None, wishes: Wishes) -> Classes:
    if wishes.classes:
        return Classes(dict(wishes.classes), "from --classes")
    of_part = parts.of if parts else {}
    found = (
        layout.classes_of_folders(images, of_part)
        or layout.classes_ending_folders(images, of_part)
        or layout.classes_of_files(images)
    )
    if found is None:
        folders = sorted({name.rpartition("/")[0] or "." for name in images})
        some = ", ".join(folders[:_SHOWN]) + (" ..." if len(folders) > _SHOWN else "")
        raise ParamsError(
            f"nothing tells the classes of {len(images)} images such as {images[0]} (folders: {some}); name them with "
            "--classes PATTERN=CLASS,PATTERN=CLASS (patterns of folders or file names), or the table that lists them "
            f"with --csv, --image and --label{columns.seen(archive)}"
        )
    return found


def _labelled_parts(images: Sequence[str], parts: Parts | None, classes: Classes) -> tuple[Parts | None, list[Finding]]:
    """The author's parts without those whose images have no class, which a competition keeps to itself."""
    if parts is None or not classes.folders:
        return parts, []
    known = set(classes.folders)
    labelled = Counter(parts.of[name] for name in images if known & set(name.split("/")[:-1]))
    nameless = [part for part in parts.patterns if not labelled[part]]
    if not nameless:
        return parts, []
    patterns = [parts.patterns[part] for part in nameless]
    number = sum(parts.of[name] in nameless for name in images)
    return None, [Finding("exclude", patterns, f"{number} images there have no class", "label them to use them")]


def _positive(classes: Classes, wishes: Wishes, table: Table | None) -> Finding:
    if table is not None and table.findings:
        return Finding("positive", "", "an image may have several findings, each a question of its own")
    names = list(dict.fromkeys(classes.patterns.values()))
    if wishes.positive:
        if wishes.positive not in names:
            raise ParamsError(f"--positive: '{wishes.positive}' is no class; {offer(wishes.positive, names)}")
        return Finding("positive", wishes.positive, "from --positive")
    if len(names) != 2:
        return Finding("positive", "", f"{len(names)} classes: each is judged against the others")
    guess = words.positive(names)
    if guess:
        return Finding("positive", guess, "a guess from the names", "--positive to change")
    return Finding("positive", "", "the names do not say", f"--positive {names[0]} or --positive {names[1]}")


def _patients(
    archive: Archive, images: Sequence[str], classes: Classes, wishes: Wishes, table: Table | None
) -> tuple[dict[str, Any], Finding]:
    """The keys of ``labels`` beside ``csv`` that name patients, and from where: the surest source first."""
    if wishes.no_patients:
        return {}, Finding("patients", "", "from --no-patients")
    if wishes.group:
        given = patients.tried(wishes.group, images)
        if given is None:
            raise ParamsError(f"--group: '{wishes.group}' matches no path, such as {images[0]}; fix the pattern")
        return {"group": wishes.group}, Finding("patients", wishes.group, "from --group", _missed(given, images))
    change = "--group or --no-patients to change"
    if table is not None and "group" in table.csv:
        column = table.csv["group"]
        return {}, Finding("patients", column, f"from column {column} of {table.csv['file']}", change)
    elements = scans.patients(archive, images)
    if elements > 1:
        origin = f"from the DICOM element {PATIENT}, {elements} of them in the first files looked at"
        return {"dicom_group": PATIENT}, Finding("patients", PATIENT, origin, change)
    found = patients.proposed(images, classes.folders)
    if found is None:
        doubt = "leaks between patients are not seen; name them with --group"
        return {}, Finding("patients", "", "no path or name tells them", doubt)
    doubt = f"check this{_missed(found, images)} (--group to change, --no-patients if none is known)"
    return {"group": found.regex}, Finding(
        "patients", found.regex, f"from '{found.example}' in the {found.origin}", doubt
    )


def _missed(found: patients.Pattern, images: Sequence[str]) -> str:
    missed = len(images) - found.found
    return f", {missed} images have none" if missed else ""


def _split(parts: Parts | None, wishes: Wishes) -> tuple[dict[str, Any], Finding]:
    """The block ``split`` and where it comes from."""
    if parts is None or "test" not in parts.patterns or wishes.split == "stratified":
        if wishes.split == "author":
            raise ParamsError("--split author: no folders named like train and test are found; use --split stratified")
        made = f"the author's parts ({', '.join(parts.patterns)}) are not used" if parts else ""
        return {}, Finding(
            "split", "stratified", "from --split" if wishes.split else "drawn by class and patient", made
        )
    drawn = {"validation": StratifiedSplit().validation}
    doubt = "--split stratified to draw another"
    doubt = doubt if "validation" in parts.patterns else f"validation is drawn from train; {doubt}"
    dealt = {part: {**drawn, **parts.patterns}[part] for part in SPLITS}
    block = {"kind": "author", **dealt, "on_leak": "drop_from_train"}
    origin = parts.source or "the author's folders"
    return block, Finding("split", "author", f"from {origin}", doubt)
