"""Image sets as people have them: a right result or one clear line, against what their maker knows."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from medcnn.__main__ import main
from medcnn.core.errors import MedcnnError
from medcnn.dataset.manifest import USED
from medcnn.download.fetching import fetch
from medcnn.grouping import duplicates
from medcnn.params.sources import FolderSource
from medcnn.reading.archive import open_archive, raw_archive
from medcnn.split import surveying
from medcnn.split.fingerprint import fingerprint
from medcnn.split.settings import Study
from medcnn.split.surveying import Survey
from tests.fuzz import drawn_files, image_sets
from tests.fuzz.image_sets import ImageSet
from tests.fuzz.mutating import bounded
from tests.project import ROOT

_ALIKE = 14
"""Bits in which the perceptual hashes of a picture may differ after lossy compression."""


@cache
def params() -> str:
    """The real params.yaml with one study, which is read faster."""
    yaml, stream = YAML(), io.StringIO()
    tree = yaml.load(ROOT / "params.yaml")
    for name in set(tree["studies"]) - {"phantom"}:
        del tree["studies"][name]
    yaml.dump(tree, stream)
    return stream.getvalue()


@contextlib.contextmanager
def project() -> Iterator[Path]:
    """A project folder, in which this process is."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "params.yaml").write_text(params())
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def laid_out(one: ImageSet, folder: Path) -> Path:
    for name, data in one.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def surveyed(folder: Path, study: Study) -> Survey:
    """``download`` and ``split`` in this process."""
    fetch(FolderSource(kind="folder", path=str(folder)), Path("data/raw/own"))
    with open_archive(raw_archive(Path("data/raw/own"))) as archive:
        looks = surveying.looked_at(archive, study, "studies.own")
    survey = surveying.dealt(looks, study, 1, "studies.own")
    json.dumps(fingerprint(survey, study.split.on_leak, 1))
    return survey


def check_rows(one: ImageSet, survey: Survey, names: dict[str, str]) -> None:
    """Every picture is what its maker knows, or is set aside for a reason; ``names`` is the class of each label."""
    rows = survey.rows.set_index("path")
    used = rows[rows["status"] == USED]
    assert (rows.loc[rows["status"] != USED, "reason"] != "").all()
    for path, row in used.iterrows():
        if path in one.masks:
            assert "masks_beside_images" in {doubt.kind for doubt in survey.doubts}
            continue
        image = one.truth[str(path)]
        assert not image.aside, (path, image, row)
        assert row["label"] == names[image.label], (path, image, row)
        [truth] = duplicates.perceptual_hashes(duplicates.to_be_hashed(drawn_files.grey(image.number))[None])
        apart = bin(int(row["phash"], 16) ^ int(truth, 16)).count("1")
        assert apart <= _ALIKE, (path, image, apart)
    lost = {path: image for path, image in one.truth.items() if not image.aside and path not in used.index}
    assert not lost, (lost, rows.reindex(list(lost))["reason"].to_dict())
    for path, image in one.truth.items():
        assert image.aside in ("", "broken") or path in rows.index


def check_patients(one: ImageSet, survey: Survey) -> None:
    """No two pictures of one patient are parted."""
    rows = survey.rows[survey.rows["status"] == USED]
    patients = rows["path"].map(lambda path: one.truth[path].patient if path in one.truth else "")
    parts = rows["split"].astype(str).groupby(patients).nunique()
    assert (parts[parts.index != ""] == 1).all(), parts


def check_parts(one: ImageSet, survey: Survey) -> None:
    rows = survey.rows[survey.rows["status"] == USED]
    for path, part in zip(rows["path"], rows["split"], strict=True):
        assert path in one.masks or one.truth[path].part == part, (path, part)


def refused(error: MedcnnError) -> None:
    text = str(error)
    assert "\n" not in text
    assert text.strip()
    event("refused: " + text[:40])


def check_split(one: ImageSet) -> None:
    with project() as folder:
        study = Study.model_validate({"labels": one.labels, "split": one.split})
        try:
            survey = surveyed(laid_out(one, folder / "set"), study)
        except MedcnnError as error:
            refused(error)
            return
        check_rows(one, survey, {name: name for name in study.labels.class_names})
        if study.split.kind == "author":
            check_parts(one, survey)
        if study.labels.group or study.labels.dicom_group or study.labels.csv.group:
            check_patients(one, survey)


def initialised(*arguments: str) -> dict[str, Any] | str:
    """What ``init`` or ``check`` prints as JSON, or its one line."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main([*arguments, "--format", "json"])
    except SystemExit as stop:
        assert stop.code == 2, err.getvalue()
        return err.getvalue()
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def check_init(one: ImageSet) -> None:
    with project() as folder:
        source = laid_out(one, folder / "set")
        printed = initialised("init", str(source), "own", *one.arguments)
        if isinstance(printed, str):
            assert printed.count("\n") == 1
            refused(MedcnnError(printed.strip()))
            return
        again = initialised("check", "own")
        assert isinstance(again, dict), again
        assert again["survey"] == printed["survey"]
        block = YAML(typ="safe").load(Path("params.yaml"))["studies"]["own"]
        study = Study.model_validate({key: block[key] for key in ("labels", "split") if key in block})
        survey = surveyed(source, study)
        check_found(one, survey, printed)


def check_found(one: ImageSet, survey: Survey, printed: dict[str, Any]) -> None:
    """The classes are those of the maker, by another name maybe; a value of no class is one for ``init``."""
    rows = survey.rows[survey.rows["status"] == USED]
    truth = {path: "" if image.aside == "no class" else image.label for path, image in one.truth.items()}
    pairs = {(truth.get(path, "?"), label) for path, label in zip(rows["path"], rows["label"], strict=True)}
    assert len({true for true, _ in pairs}) == len({found for _, found in pairs}) == len(pairs), pairs


KINDS = {
    "folders": image_sets.in_folders(),
    "tables": image_sets.in_tables(),
    "names": image_sets.in_names(),
    "arrays": image_sets.in_arrays(),
    "scans": image_sets.of_scans(),
}


@bounded(40, times=1)
@given(st.one_of(*KINDS.values()))
def test_split_is_right_or_says_why_not(one: ImageSet) -> None:
    check_split(one)


@bounded(4, times=1)
@given(st.one_of(*KINDS.values()))
def test_init_is_right_or_says_why_not(one: ImageSet) -> None:
    check_init(one)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_sets_are_split_right_or_refused(kind: str) -> None:
    bounded(16)(given(KINDS[kind])(check_split))()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_sets_are_found_right_or_refused(kind: str) -> None:
    bounded(4)(given(KINDS[kind])(check_init))()
