from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from medcnn.dataset import manifest
from medcnn.params import whole
from medcnn.report import problems
from medcnn.results import base
from medcnn.results.data import Download, Planted
from medcnn.results.plots import DUPLICATES
from medcnn.runtime import paths
from tests.project import SMALL_PHANTOM, manifest_rows, shrink, stage


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shrink(tmp_path_factory.mktemp("planted"), SMALL_PHANTOM)
    stage(folder, "download", "phantom")
    stage(folder, "split", "phantom")
    return folder


def test_all_that_is_planted_is_found_and_nothing_else(phantom: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(phantom)
    planted = base.read(paths.metrics("download", "phantom"), Download).planted
    assert {fault.fault for fault in planted} == set(problems.KINDS)
    found = problems.problems("phantom", whole.load().study("phantom").images)
    counts = Counter(fault.fault for fault in planted)
    assert [asdict(of_kind) for of_kind in problems.hunted(planted, found)] == [
        {"kind": kind, "planted": counts[kind], "found": counts[kind], "false_alarms": 0} for kind in problems.KINDS
    ]
    for contradiction in found["mislabelled"]:
        assert len({file.label for file in contradiction}) == len(contradiction) == 2
        assert all(file.picture for file in contradiction), "pictures of images set aside come from the archive"
    reasons = {file.path: file.reason for (file,) in found["unreadable"]}
    for fault in planted:
        if fault.how == "empty":
            assert reasons[fault.path] == "unreadable: empty file"


def test_without_pixels_and_archive_names_are_shown_alone(
    phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    manifest.write(paths.manifest("phantom"), manifest.read(phantom / paths.manifest("phantom")))
    found = problems.problems("phantom", whole.load(phantom / paths.PARAMS).study("phantom").images)
    assert {"mislabelled", "exact", "unreadable"} <= set(found)
    assert not any(file.picture for sets in found.values() for files in sets for file in files)


def test_what_is_missed_and_what_is_found_in_vain_are_counted_by_kind():
    rows = manifest_rows(
        {"path": path, "label": label, "sha256": sha256, **({"reason": reason} if reason else {})}
        for path, label, sha256, reason in (
            ("a", "one", "1", ""), ("a2", "one", "1", ""), ("b", "one", "2", ""), ("b2", "other", "2", ""),
            ("c", "one", "3", ""), ("c2", "one", "4", ""), ("d", "one", "5", ""), ("e", "one", "6", "unreadable: cut"),
            ("f", "one", "7", ""), ("g", "one", "8", ""),
        )
    )  # fmt: skip
    ids = dict(zip(rows["path"], rows["image_id"], strict=True))
    pairs = [("a", "a"), ("a2", "a"), ("b", "b"), ("b2", "b"), ("c", "c"), ("c2", "c"), ("f", "f"), ("g", "f")]
    duplicates = pd.DataFrame([(ids[one], ids[other]) for one, other in pairs], columns=list(DUPLICATES.columns))
    sets = problems.gathered(rows, duplicates)
    assert sets == {"mislabelled": [[2, 3]], "exact": [[0, 1]], "near": [[4, 5], [8, 9]], "unreadable": [[7]]}
    found: problems.Found = {
        kind: [tuple(problems.File(rows["path"][row], "", "", "", "") for row in group) for group in groups]
        for kind, groups in sets.items()
    }
    planted = [
        Planted(path="a2", fault="exact", how="", of="a"),
        Planted(path="d", fault="exact", how="", of="a"),
        Planted(path="c2", fault="near", how="jpeg", of="c"),
        Planted(path="g", fault="unreadable", how="empty", of="f"),
    ]
    counts = {of.kind: (of.planted, of.found, of.false_alarms) for of in problems.hunted(planted, found)}
    assert counts == {"mislabelled": (0, 0, 1), "exact": (2, 1, 0), "near": (1, 1, 1), "unreadable": (1, 0, 1)}
