from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcnn.core import files
from medcnn.runtime import paths
from tests.conftest import encoded, picture, zipped
from tests.predict.conftest import SIDE, Done, card, save
from tests.project import ROOT

Predict = Callable[..., Done]

WITHOUT = """
import sys
ABSENT = "tensorflow keras pydantic pandas onnx tqdm scipy sklearn yaml ruamel pydicom nibabel jinja2".split()
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"no {name} here", name=name)
sys.meta_path.insert(0, Missing())
from medcnn.__main__ import main
main(sys.argv[1:])
"""


def grey(level: int) -> bytes:
    return encoded(Image.new("RGB", (40, 30), (level, level, level)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, a broken one, one deeper, one hidden and a text."""
    files = {"a.png": grey(40), "b.jpg": grey(220), "c.png": b"", "deep/d.png": grey(130), ".e.png": b"", "f.txt": b"x"}
    for name, data in files.items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "images"


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_study_stands_for_its_chosen_model(
    predict: Predict, folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(folder)
    files.write_json(paths.metrics("comparisons", "shades"), {"best": "bright"})
    named = paths.onnx_model("shades", "bright")
    named.parent.mkdir(parents=True)
    named.write_bytes(model.read_bytes())
    assert predict("a.png", model=Path("shades")).stdout == predict("a.png", model=named).stdout
    done = predict("a.png", model=Path("shadows"))
    assert (done.code > 0, "shadows" in done.stderr) == (True, True)


def test_a_folder_as_csv_in_order_with_a_row_for_the_broken_image(predict: Predict, folder: Path):
    done = predict(folder, "--format", "csv")
    rows = records(done.stdout)
    assert done.code == 3
    assert [Path(row["path"]).name for row in rows] == ["a.png", "b.jpg", "c.png", "d.png"]
    assert [row["class"] for row in rows] == ["dark", "bright", "", "bright"]
    assert [row["error"] for row in rows] == ["", "", "empty file", ""]
    assert [row["prediction_set"] for row in rows] == ["dark", "bright", "", "dark|bright"]
    unread, skipped = done.stderr.splitlines()
    assert "1 of 4" in unread
    assert skipped.startswith("1 ")


def test_probabilities_are_those_of_the_model(predict: Predict, folder: Path):
    (row,) = records(predict(folder / "deep/d.png", "--format", "csv").stdout)
    expected = 1 / (1 + np.exp(-(130 * 3 / 48 - 8)))
    assert float(row["p_bright"]) == pytest.approx(expected, abs=1e-6)
    assert float(row["p_dark"]) == pytest.approx(1 - expected, abs=1e-6)


def test_json_is_one_document_with_the_facts_on_top(predict: Predict, folder: Path):
    done = predict(folder, "--format", "json")
    document = json.loads(done.stdout)
    assert list(document)[:4] == ["note", "study", "model", "class_names"]
    assert (document["temperature"], document["weights_sha256"]) == (1.5, {"mean": "1" * 64})
    assert document["note"].count("Not a medical device") == 1
    assert document["complete"] is True
    assert [row["error"] for row in document["predictions"]] == [None, None, "empty file", None]
    assert document["predictions"][1]["probabilities"]["bright"] > 0.99
    lines = predict(folder, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == document["predictions"]


def test_text_is_short_and_aligned(predict: Predict, folder: Path):
    title, header, *rows = predict(folder).stdout.splitlines()
    assert title.startswith("mean of study shades, float32.") and title.endswith("Not a medical device.")
    assert len(rows) == 4
    assert {line.index(str(folder)) for line in rows} == {header.index("image")}
    assert rows[2].startswith("error") and rows[2].endswith("c.png: empty file")


def test_text_is_no_surer_than_the_validation_images_support_while_csv_is_exact(predict: Predict, folder: Path):
    exact = [float(row["p_bright"]) for row in records(predict(folder, "--format", "csv").stdout) if row["p_bright"]]
    header, *rows = predict(folder).stdout.splitlines()[1:]
    shown = [line.split()[header.split().index("bright")] for line in rows if not line.startswith(("error", "-"))]
    # 20 images: 1 - 3 / 20.
    assert any(value > 0.85 for value in exact)
    for text in shown:
        assert text in (">0.850", "<0.150") or any(text == f"{value:.4f}" for value in exact if 0.15 <= value <= 0.85)


def test_an_image_unlike_the_training_images_is_warned_of(predict: Predict, tmp_path: Path):
    (tmp_path / "like.png").write_bytes(encoded(picture(77)))
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    (tmp_path / "noise.png").write_bytes(encoded(Image.fromarray(noise)))
    like, unlike = records(predict(tmp_path, "--format", "csv").stdout)
    assert (like["unlike_training"], unlike["unlike_training"]) == ("false", "true")
    assert float(unlike["novelty"]) > float(unlike["novelty_threshold"]) > float(like["novelty"])
    assert "unlike the training images" in predict(tmp_path / "noise.png").stdout


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ((), "bright"),
        (("0.9",), "dark"),
        (("bright=0.5",), "bright"),
        (("operating",), "dark"),
        (("dark=0.4",), "dark"),
    ],
)
def test_thresholds_decide_the_class(threshold: tuple[str], expected: str, predict: Predict, folder: Path):
    options = [part for text in threshold for part in ("--threshold", text)]
    (row,) = records(predict(folder / "deep/d.png", "--format", "csv", *options).stdout)
    assert row["class"] == expected


def test_no_class_where_none_reaches_its_threshold(predict: Predict, folder: Path):
    options = ("--threshold", "dark=0.9", "--threshold", "bright=0.9")
    assert records(predict(folder / "deep/d.png", "--format", "csv", *options).stdout)[0]["class"] == ""
    assert predict(folder / "deep/d.png", *options).stdout.splitlines()[2].startswith("none ")


def test_an_empty_prediction_set_names_no_class_for_people_and_all_figures_for_programs(
    predict: Predict, folder: Path, tmp_path: Path
):
    model = save(tmp_path / "strict.onnx", card(conformal_threshold=0.0))
    line = predict(folder / "deep/d.png", model=model).stdout.splitlines()[2]
    assert (line.split()[0], "no answer" in line) == ("-", True)
    (row,) = records(predict(folder / "deep/d.png", "--format", "csv", model=model).stdout)
    assert (row["class"], row["prediction_set"]) == ("bright", "")


@pytest.mark.parametrize("threshold", ["x", "2", "nan", "grey=0.5", "bright=", "=0.5", "-1"])
def test_a_wrong_threshold_is_one_line_that_names_the_choices(threshold: str, predict: Predict, folder: Path):
    done = predict(folder, f"--threshold={threshold}")
    assert (done.code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "dark, bright" in done.stderr
    assert "operating" in done.stderr


def test_a_bare_threshold_needs_two_classes(predict: Predict, folder: Path, tmp_path: Path):
    three = save(
        tmp_path / "three.onnx", card(class_names=("dark", "bright", "grey"), positive="", operating_points={})
    )
    done = predict(folder, "--threshold", "0.5", model=three)
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "a class of dark, bright, grey" in done.stderr
    assert predict(folder, "--threshold", "operating", model=three).code == 2


def test_what_is_not_there_is_one_line_or_one_row(predict: Predict, folder: Path, tmp_path: Path):
    done = predict(tmp_path / "nothing.png")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert f"{tmp_path}/nothing.png" in done.stderr
    done = predict(tmp_path / "nothing.png", folder / "a.png", "--format", "csv")
    assert done.code == 3
    assert [row["error"] for row in records(done.stdout)] == ["no such file", ""]
    (tmp_path / "empty").mkdir()
    assert predict(tmp_path / "empty").code == 2
    assert predict(tmp_path / "*.tif").code == 2


def test_zips_patterns_and_standard_input(predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    members = {
        "yes/1.png": grey(200),
        "yes/2.png": grey(50),
        "no/3.png": grey(50),
        "__MACOSX/._1.png": b"",
        "x.txt": b"",
    }
    archive = zipped(tmp_path / "set.zip", members)

    def names(*paths: str | Path) -> list[str]:
        return [row["path"].split("!")[-1] for row in records(predict(*paths, "--format", "csv").stdout)]

    assert names(archive) == ["no/3.png", "yes/1.png", "yes/2.png"]
    assert names(f"{archive}!yes/*.png") == names(f"{archive}!yes") == ["yes/1.png", "yes/2.png"]
    assert names(f"{archive}!no/3.png") == ["no/3.png"]
    assert predict(f"{archive}!maybe/*").code == 2
    (tmp_path / "a.png").write_bytes(grey(1))
    assert names(tmp_path / "*.png") == [str(tmp_path / "a.png")]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(grey(9))))
    assert names("-") == ["-"]


def test_a_broken_zip_or_member_is_a_row(predict: Predict, tmp_path: Path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no more")
    members = zipped(tmp_path / "set.zip", {"a.png": grey(1) + bytes(50), "b.png": grey(250)})
    content = bytearray(members.read_bytes())
    content[60] ^= 255
    members.write_bytes(content)
    done = predict(tmp_path / "broken.zip", members, "--format", "csv")
    assert done.code == 3
    assert [bool(row["error"]) for row in records(done.stdout)] == [True, True, False]


@pytest.mark.skipif(os.name == "nt", reason="names are not bytes there")
def test_a_name_of_any_bytes_stays_on_one_line(predict: Predict, tmp_path: Path):
    (tmp_path / os.fsdecode(b"a \xff\n,\x1b[31m.png")).write_bytes(grey(3))
    shown = r"a \xff\n,\x1b[31m.png"
    assert shown in predict(tmp_path).stdout.splitlines()[2]
    assert predict(tmp_path, "--format", "csv").stdout.count("\n") == 2
    assert records(predict(tmp_path, "--format", "csv").stdout)[0]["path"].endswith(shown)
    (row,) = json.loads(predict(tmp_path, "--format", "json").stdout)["predictions"]
    assert row["path"].endswith("a \\xff\n,\x1b[31m.png")


def test_output_is_written_whole_or_not_at_all(predict: Predict, folder: Path, tmp_path: Path):
    target = tmp_path / "out.csv"
    done = predict(folder, "--format", "csv", "--output", target)
    assert done.stdout == ""
    assert len(records(target.read_text())) == 4
    before = target.read_bytes()
    assert predict(folder, "--threshold", "9", "--output", target).code == 2
    assert predict(folder, "--output", tmp_path).code == 2
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "out.csv"]


def test_batches_and_threads_change_nothing(predict: Predict, tmp_path: Path):
    for index in range(23):
        (tmp_path / f"{index:02d}.png").write_bytes(encoded(picture(index)) if index != 11 else b"broken")
    alone = predict(tmp_path, "--format", "csv", "--batch", "1", "--threads", "1")
    together = predict(tmp_path, "--format", "csv", "--batch", "7", "--threads", "4")
    assert alone.stdout == together.stdout
    assert [Path(row["path"]).stem for row in records(alone.stdout)] == [f"{index:02d}" for index in range(23)]
    assert predict(tmp_path, "--batch", "0").code == predict(tmp_path, "--threads", "x").code == 2


def test_a_model_that_is_none_is_one_line(predict: Predict, folder: Path, tmp_path: Path):
    (tmp_path / "text.onnx").write_text("not a model")
    for model in (tmp_path / "none.onnx", tmp_path / "text.onnx", save(tmp_path / "bare.onnx", None)):
        done = predict(folder, model=model)
        assert (done.code, done.stdout, done.stderr.count("\n")) == (1, "", 1), model
        assert model.name in done.stderr
    other = save(tmp_path / "other.onnx", card(image_size=64))
    assert "64 pixels" in predict(folder, model=other).stderr


def test_explanations_show_where_the_answer_comes_from(predict: Predict, folder: Path, tmp_path: Path):
    folder.joinpath("..png").write_bytes(grey(200))
    done = predict(folder, folder / "..png", "--explain", tmp_path / "shown", "--format", "csv")
    written = [row["explanation"] for row in records(done.stdout) if not row["error"]]
    assert len(written) == len(set(written)) == 4
    assert sorted(written) == sorted(path.name for path in (tmp_path / "shown").iterdir())
    assert all(Image.open(tmp_path / "shown" / name).size == (448, 520) for name in written)


def test_neither_tensorflow_nor_the_pipelines_packages_are_needed(model: Path, folder: Path):
    command = [sys.executable, "-c", WITHOUT, "predict", str(model), str(folder / "a.png"), "--format", "jsonl"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["class"] == "dark"


@pytest.mark.parametrize("kind", ["text", "csv", "json", "jsonl", "fhir"])
def test_answers_may_name_pseudonyms_alone(
    kind: str, predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Quux").mkdir()
    (tmp_path / "Quux" / "quux_jane.png").write_bytes(grey(90))
    (tmp_path / "Quux" / "quux_broken.png").write_bytes(b"no image")
    found = predict("Quux", "--format", kind, "--pseudonyms", "table.csv", "--explain", "seen")
    assert found.code == 3 and "quux" not in found.stdout.lower()
    assert not [path for path in (tmp_path / "seen").iterdir() if "quux" in path.name.lower()]
    rows = records((tmp_path / "table.csv").read_text())
    assert {row["path"] for row in rows} == {"Quux/quux_broken.png", "Quux/quux_jane.png"}
    assert all(row["pseudonym"] in found.stdout for row in rows)


def test_a_structured_report_has_no_pseudonyms(predict: Predict, folder: Path, tmp_path: Path):
    wanted = ("--format", "dicom-sr", "--output", tmp_path / "reports", "--pseudonyms", tmp_path / "table.csv")
    assert predict(folder, *wanted).code == 2


def test_a_closed_pipe_ends_quietly(model: Path, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(grey(1))
    command = [sys.executable, "-m", "medcnn", "predict", str(model), str(tmp_path), "--format", "json"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout and child.stderr
    child.stdout.close()
    assert (child.stderr.read(), child.wait(timeout=60)) == (b"", 141)
    child.stderr.close()


def test_an_interrupt_leaves_no_half_made_file(model: Path, tmp_path: Path):
    fifo = tmp_path / "never.png"
    os.mkfifo(fifo)
    target = tmp_path / "out.json"
    command = [sys.executable, "-m", "medcnn", "predict", str(model), str(fifo), "--output", str(target)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    writer = os.open(fifo, os.O_WRONLY)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    os.close(writer)
    printed, errors = child.communicate(timeout=60)
    assert (child.returncode, printed, errors) == (130, "", "interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["never.png"]
