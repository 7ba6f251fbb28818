from __future__ import annotations

import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files

KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from medcnn.core import files
with files.replacing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WRITER, str(path)], cwd=Path(__file__).parents[2], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [left.suffix for left in tmp_path.iterdir()] == [".onnx"]
    assert not path.exists()
    with files.replacing(path) as outer:
        outer.write_bytes(b"living")
        assert list(tmp_path.iterdir()) == [outer]
        files.write_bytes(tmp_path / "other.onnx", b"")
        assert outer.exists()
    assert path.read_bytes() == b"living"


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as raised, files.replacing(tmp_path / "a.bin") as temporary:
        temporary.write_bytes(b"half")
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")
    assert raised.value.filename == str(tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == []


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
