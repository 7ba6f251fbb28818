"""Image sets as people have them, with what their maker knows of each picture: its class, its patient, its part."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from medcnn.init.layout import literal
from tests.fuzz import drawn_files, label_sheets
from tests.reading.formats.test_dicom import scan

CLASSES = (
    ("benign", "malignant"),
    ("normal", "Tumor"),
    ("no tumor", "tumor"),
    ("Normal", "PNEUMONIA"),
    ("n\u00e9vus", "m\u00e9lanome"),
    ("healthy lung", "covid-19"),
    ("0", "1"),
    ("grade [I]", "grade [II]"),
    ("AK", "BCC", "SCC"),
)
FOLDERS = ("", "set/", "My Data (v2)/images/", "a/b/c/", "caf\u00e9/")
PARTS = (("train", "val", "test"), ("Training", "Validation", "Testing"), ("TRAIN", "valid", "TEST"))
NAMES = (
    "patient{patient:03}_{image}",
    "P{patient:02}-{image}",
    "sub-{patient:03}_slice{image}",
    "{image}_pat{patient:04}",
)
GROUPS = (r"(patient\d+)", r"(P\d+)-", r"(sub-\d+)", r"(pat\d+)")
ORDERS = (("part", "class"), ("class", "part"), ("class",), ("class", "patient"), ("part", "class", "patient"))
MASKS = ("{}_mask.png", "{}_seg.png", "masks/{}.png")


@dataclass(frozen=True)
class Image:
    """What is known of one picture; the number is that of the picture, ``aside`` says why it cannot be used."""

    number: int
    label: str
    patient: str
    part: str = ""
    aside: str = ""


@dataclass(frozen=True, repr=False)
class ImageSet:
    """Files by path, the truth about each picture by its path in the manifest, and what the user says of them.

    Attributes:
        files: content by path.
        truth: what is known of each picture.
        labels: the block ``labels``.
        split: the block ``split``.
        arguments: of ``medcnn init``, what cannot be known from the set.
        masks: paths of masks, which are no images of the set.
        drawn: what else was drawn, for the reader of a failure.
    """

    files: dict[str, bytes]
    truth: dict[str, Image]
    labels: dict[str, Any]
    split: dict[str, Any]
    arguments: list[str] = field(default_factory=list)
    masks: frozenset[str] = frozenset()
    drawn: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.drawn}, labels {self.labels}, split {self.split}, files {sorted(self.files)}"


def people(draw: st.DrawFn, classes: tuple[str, ...]) -> list[Image]:
    """Patients of one class each, all classes in every part, with one to three images each."""
    patients = draw(st.integers(8, 10)) * len(classes)
    images, number = [], draw(st.integers(0, 3)) * 5000
    for patient in range(patients):
        part = ("train", "train", "validation", "test")[patient // len(classes) % 4]
        for _ in range(draw(st.integers(1, 3))):
            images.append(Image(number, classes[patient % len(classes)], str(patient), part))
            number += 10
    return images


def contents(draw: st.DrawFn, images: list[Image]) -> list[tuple[Image, str, bytes]]:
    """The file of each image: most of one format, some of others, a few broken."""
    usual = draw(st.sampled_from([*drawn_files.ONE, *drawn_files.SEVERAL]))
    places = list(range(len(images)))
    others = draw(st.dictionaries(st.sampled_from(places), st.sampled_from(list(drawn_files.ONE)), max_size=4))
    broken = draw(st.dictionaries(st.sampled_from(places), st.sampled_from(list(drawn_files.BROKEN)), max_size=2))
    found = []
    for place, image in enumerate(images):
        if place in broken:
            suffix = broken[place]
            found.append((replace(image, aside="broken"), suffix, drawn_files.BROKEN[suffix](image.number)))
        else:
            suffix = others.get(place, usual)
            make = drawn_files.ONE.get(suffix) or drawn_files.SEVERAL[suffix]
            found.append((image, suffix, make(image.number)))
    return found


def pictures(image: Image, suffix: str, path: str) -> dict[str, Image]:
    """The pictures of a file by their path in the manifest."""
    if image.aside == "broken" or suffix not in drawn_files.SEVERAL:
        return {path: image}
    return {f"{path}#{page + 1}": replace(image, number=image.number + page) for page in range(3)}


def extended(stem: str, suffix: str) -> str:
    """A file name: the end of a kind of file after a dot, or its last suffix for kinds with a word before it."""
    last = suffix if suffix == "nii.gz" or "." not in suffix else suffix.rpartition(".")[2]
    return f"{stem}.{last}" if last else stem


@st.composite
def in_folders(draw: st.DrawFn) -> ImageSet:
    """A folder for each class, for parts and patients too, with junk and masks beside."""
    classes = draw(st.sampled_from(CLASSES))
    order, root = draw(st.sampled_from(ORDERS)), draw(st.sampled_from(FOLDERS))
    naming, parts = draw(st.integers(0, len(NAMES) - 1)), draw(st.sampled_from(PARTS))
    spelt: Callable[[str], str] = draw(st.sampled_from([str, lambda text: unicodedata.normalize("NFD", text)]))
    known = draw(st.booleans())
    parted = dict(zip(("train", "validation", "test"), parts, strict=True))
    files: dict[str, bytes] = {}
    truth: dict[str, Image] = {}
    for place, (image, suffix, data) in enumerate(contents(draw, people(draw, classes))):
        folders = {"part": parted[image.part], "class": image.label, "patient": f"patient{int(image.patient):03}"}
        stem = NAMES[naming].format(patient=int(image.patient), image=place)
        path = spelt(root + "/".join([*(folders[name] for name in order), extended(stem, suffix)]))
        files[path] = data
        truth |= pictures(image, suffix, path)
    labels: dict[str, Any] = {"classes": {literal(name): name for name in classes}}
    if known:
        labels["group"] = r"(patient\d+)/" if "patient" in order else GROUPS[naming]
    files, masks = with_junk(draw, files, root)
    if masks and draw(st.booleans()):
        labels["exclude"] = ["*mask*", "*_seg.png"]
    if "part" in order:
        split = {"kind": "author", **{part: f"*{literal(name)}/*" for part, name in parted.items()}}
    else:
        split = {"kind": "stratified"}
    drawn = {"order": order, "root": root, "known": known}
    return ImageSet(files, truth, labels, {"folds": 2, **split}, [], masks, drawn)


def with_junk(draw: st.DrawFn, files: dict[str, bytes], root: str) -> tuple[dict[str, bytes], frozenset[str]]:
    """The files with others that are no images of the set, and which of those are masks."""
    junk = {
        root + name: drawn_files.JUNK[name]
        for name in draw(st.sets(st.sampled_from(list(drawn_files.JUNK)), max_size=3))
    }
    some = draw(st.sampled_from(list(files)))
    folder = some.rpartition("/")[0]
    if draw(st.integers(0, 3)) == 0:
        junk[f"__MACOSX/{folder}/._{some.rpartition('/')[2]}"] = b"\0\5\x16\7" + bytes(60)
    masks: dict[str, bytes] = {}
    if draw(st.integers(0, 4)) == 0:
        kind = draw(st.sampled_from(MASKS))
        for place, path in enumerate(files):
            above, _, name = path.rpartition("/")
            masks[f"{above}/" * bool(above) + kind.format(name.split(".")[0])] = mask(place)
    return {**files, **junk, **masks}, frozenset(masks)


def mask(number: int) -> bytes:
    """Two tones, unlike those of another number."""
    return drawn_files.encoded(drawn_files.grey(900_000 + number).point(lambda value: 255 * (value > 128)))


@st.composite
def in_names(draw: st.DrawFn) -> ImageSet:
    """Classes in file names."""
    classes = draw(
        st.sampled_from([names for names in CLASSES if len({name.casefold() for name in names}) == len(names)])
    )
    pattern = draw(
        st.sampled_from(["{label} ({place}).{end}", "{label}_{place:04}.{end}", "IM{place:04}_{label}.{end}"])
    )
    end = draw(st.sampled_from(["png", "jpg", "bmp", "tif"]))
    truth, files = {}, {}
    root = draw(st.sampled_from(FOLDERS))
    for place, image in enumerate(people(draw, classes)):
        path = root + pattern.format(label=image.label, place=place, end=end)
        files[path], truth[path] = drawn_files.ONE[end](image.number), image
    front = pattern.startswith("{label}")
    between = " (" if "(" in pattern else "_"
    classed = {f"{literal(name)}{between}*" if front else f"*_{literal(name)}": name for name in classes}
    files, masks = with_junk(draw, files, root)
    return ImageSet(
        files, truth, {"classes": classed}, {"kind": "stratified", "folds": 2}, [], masks, {"pattern": pattern}
    )


@st.composite
def in_tables(draw: st.DrawFn) -> ImageSet:
    """A label table, or one per part, beside a folder of images."""
    classes = draw(st.sampled_from(CLASSES))
    root, parts = draw(st.sampled_from(FOLDERS)), draw(st.sampled_from(PARTS))
    sheet = draw(label_sheets.forms())
    parted = dict(zip(("train", "validation", "test"), parts, strict=True))
    files: dict[str, bytes] = {}
    truth: dict[str, Image] = {}
    rows: list[dict[str, str]] = []
    for place, (image, suffix, data) in enumerate(contents(draw, people(draw, classes))):
        path = f"{root}{parted[image.part] + '/' if sheet.homes else ''}{extended(f'img{place + 1:04}', suffix)}"
        files[path] = data
        said, image = label_sheets.said(draw, image, parted, sheet)
        rows += [{"path": path, **row} for row in said]
        truth |= pictures(image, suffix, path)
    for name, data in label_sheets.written(sheet, rows, classes, parted).items():
        files[root + name] = data
    files, masks = with_junk(draw, files, root)
    csv: dict[str, Any] = {"file": f"{literal(root)}{sheet.pattern}", "image": sheet.columns["image"]}
    csv |= {"columns": list(classes)} if sheet.one_hot else {"label": sheet.columns["label"]}
    csv |= {"group": sheet.columns["patient"]} if sheet.patients else {}
    csv |= {"split": sheet.columns["part"]} if sheet.parted == "column" else {}
    labels = {"classes": {literal(name): name for name in classes}, "csv": csv}
    split = (
        {"kind": "author", **{part: literal(name) for part, name in parted.items()}}
        if sheet.parted
        else {"kind": "stratified"}
    )
    truth = {path: image if sheet.patients else replace(image, patient="") for path, image in truth.items()}
    return ImageSet(
        files, truth, labels, {"folds": 2, **split}, sheet.arguments(classes, root), masks, {"sheet": sheet}
    )


@st.composite
def in_arrays(draw: st.DrawFn) -> ImageSet:
    """A set of arrays with the author's parts, as MedMNIST has them."""
    classes = ("0", "1")
    images = people(draw, classes)
    keys = draw(st.sampled_from([("train", "val", "test"), ("train", "valid", "test")]))
    parted = dict(zip(("train", "validation", "test"), keys, strict=True))
    shape = draw(st.sampled_from([(-1,), (-1, 1)]))
    arrays: dict[str, Any] = {}
    truth: dict[str, Image] = {}
    for part, key in parted.items():
        members = [image for image in images if image.part == part]
        arrays[f"{key}_images"] = drawn_files.stacked([image.number for image in members], draw(st.booleans()))
        arrays[f"{key}_labels"] = np.array([int(image.label) for image in members], np.uint8).reshape(shape)
        for place, image in enumerate(members):
            truth[f"set.npz/{key}/{image.label}/{place:05}.npy"] = replace(image, patient="")
    split = {"kind": "author", **{part: f"*/{key}/*" for part, key in parted.items()}, "folds": 2}
    return ImageSet({"set.npz": drawn_files.packed(arrays)}, truth, {"classes": {"0": "0", "1": "1"}}, split)


@st.composite
def of_scans(draw: st.DrawFn) -> ImageSet:
    """DICOM files that name their patients."""
    classes = draw(st.sampled_from(CLASSES))
    suffix = draw(st.sampled_from(["", ".dcm", ".1"]))
    truth, files = {}, {}
    for place, image in enumerate(people(draw, classes)):
        path = f"{image.label}/IM{place:04}{suffix}"
        files[path] = scan(drawn_files.deep(image.number), PatientID=f"ID{image.patient}", BitsStored=12, HighBit=11)
        truth[path] = image
    labels = {"classes": {literal(name): name for name in classes}, "dicom_group": "PatientID"}
    files, masks = with_junk(draw, files, "")
    return ImageSet(files, truth, labels, {"kind": "stratified", "folds": 2}, [], masks)
