from __future__ import annotations

import io
import math
import threading
from pathlib import Path

from PIL import Image

from medcnn.predict.bar import ProgressBar
from medcnn.predict.inputs import Source
from medcnn.predict.model import load
from medcnn.predict.rows import Options, rows
from tests.conftest import encoded
from tests.predict.conftest import card, save


def test_files_are_read_only_a_little_ahead_of_their_rows(model: Path):
    lock = threading.Lock()
    read: list[int] = []
    data = encoded(Image.new("RGB", (8, 8)))

    def source(index: int) -> Source:
        def give() -> bytes:
            with lock:
                read.append(index)
            return data

        return Source(f"{index}.png", give)

    done: list[None] = []
    options = Options({}, threads=3, batch=4, advance=lambda: done.append(None))
    answers = rows([source(index) for index in range(200)], load(model), options)
    for index, row in enumerate(answers):
        assert row.path == f"{index}.png"
        assert max(read) <= index + 2 * 4 + 2 * 3
    assert len(done) == len(read) == 200


def test_other_faults_of_a_file_are_rows(model: Path):
    def denied() -> bytes:
        raise PermissionError(13, "Permission denied")

    def exhausted() -> bytes:
        raise MemoryError

    options = Options({}, threads=1, batch=4, advance=lambda: None)
    found = list(rows([Source("a", denied), Source("b", exhausted)], load(model), options))
    assert [row.error for row in found] == ["Permission denied", "not enough memory"]


def test_an_answer_that_is_not_a_number_is_an_error(tmp_path: Path):
    opened = load(save(tmp_path / "nan.onnx", card(), slope=math.nan))
    data = encoded(Image.new("RGB", (8, 8)))
    options = Options({}, threads=1, batch=4, advance=lambda: None)
    (row,) = rows([Source("a", lambda: data)], opened, options)
    assert row.error is not None
    assert (row.label, row.probabilities) == (None, {})


def test_progress_is_one_line_and_only_where_it_is_wanted():
    shown, hidden = io.StringIO(), io.StringIO()
    for stream, wanted in ((shown, True), (hidden, False)):
        progress = ProgressBar(2, wanted, stream)
        progress.advance()
        progress.advance()
        progress.close()
    assert "2/2 files" in shown.getvalue()
    assert shown.getvalue().count("\n") == 1
    assert hidden.getvalue() == ""
