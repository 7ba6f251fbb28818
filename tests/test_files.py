from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from medcnn import files


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_sorted_keys_rounded_floats_and_null_for_what_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    files.write_json(path, {"b": np.float32(0.1), "a": [math.nan, -0.0, 1 / 3], "c": np.int64(3), "d": True})
    assert path.read_text() == (
        '{\n  "a": [\n    null,\n    0.0,\n    0.333333\n  ],\n  "b": 0.1,\n  "c": 3,\n  "d": true\n}\n'
    )


def test_csv_quotes_what_needs_it_and_ends_lines_the_same_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    files.write_csv(path, ("x", "y"), [("a,b", 'q"'), ("line\nbreak", "ü")])
    assert path.read_bytes() == 'x,y\n"a,b","q"""\n"line\nbreak",ü\n'.encode()


def test_the_suffix_of_the_temporary_file_is_that_of_the_final_one(tmp_path: Path) -> None:
    with files.replacing(tmp_path / "model.keras") as temporary:
        assert temporary.suffix == ".keras"
        temporary.write_bytes(b"x")


def test_what_models_of_an_earlier_run_left_is_removed_and_the_rest_stays(tmp_path: Path) -> None:
    for name in ("simple.csv", "deep.csv", ".gitignore", "lite0/history.csv", "vgg16/history.csv"):
        files.write_text(tmp_path / name, "")
    files.keep_only(tmp_path, ("simple", "lite0"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "lite0", "simple.csv"]
    files.keep_only(tmp_path / "absent", ("simple",))
