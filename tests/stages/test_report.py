from __future__ import annotations

import re
from pathlib import Path

import pytest

from medcnn import files, layout
from tests.project import run
from tests.report.example import Example, example, write_timings
from tests.report.html import Page, parsed

COLUMNS = {
    "Accuracy": "accuracy",
    "Balanced accuracy": "balanced_accuracy",
    "AUROC": "auroc",
    "Cross-entropy": "cross_entropy",
    "Brier score": "brier",
}


@pytest.fixture(scope="module", params=["phantom", "brain_mri"])
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, str]:
    made = example(tmp_path_factory.mktemp(request.param), request.param).evaluate()
    write_timings(made, "simple")
    return made, made.report()


def exact(cells: list[tuple[str, str | None]]) -> list[float]:
    return [float(value if value is not None else text) for text, value in cells]


def figures(made: Example) -> dict:
    return files.read_json(made.path(layout.metrics("evaluate", made.study)))


def best(made: Example) -> str:
    """By validation, without the ensemble whose weights were fitted there."""
    candidates = [model for model in made.models if model != "ensemble_weighted"]
    return min(candidates, key=lambda model: figures(made)[model]["validation"]["cross_entropy"])


def test_every_figure_of_the_models_table_is_that_of_the_metrics(reported: tuple[Example, str]):
    made, html = reported
    table = parsed(html).table("Balanced accuracy", "Brier score")
    counted = ["false_negatives", "false_positives"] if len(made.classes) == 2 else []
    for model in made.models:
        block = figures(made)[model]
        expected = [block["test"][key] for key in COLUMNS.values()]
        expected += [block["test"]["classes"][made.classes[-1]][key] for key in counted]
        expected += [block["validation"]["accuracy"], block["validation"]["cross_entropy"]]
        name = f"{model} chosen" if model == best(made) else model
        assert exact(table[name]) == expected


def test_numbers_are_shown_rounded(reported: tuple[Example, str]):
    cells = [cell for table in parsed(reported[1]).tables for row in table for cell in row if cell[1] is not None]
    assert len(cells) > 50
    for text, value in cells:
        if "%" in text:
            assert float(text.rstrip("% ")) == pytest.approx(100 * float(value), abs=0.0501)
        else:
            digits = len(text.partition(".")[2])
            assert float(text) == pytest.approx(float(value), abs=0.5001 * 10**-digits)


def test_figures_by_class_and_by_part_are_those_of_the_metrics(reported: tuple[Example, str]):
    made, html = reported
    by_class = parsed(html).table("Recall", "Specificity")
    keys = ("support", "recall", "specificity", "precision", "f1", "false_negatives", "false_positives")
    for name, block in figures(made)[best(made)]["test"]["classes"].items():
        assert exact(by_class[name]) == [block[key] for key in keys]
    by_part = parsed(html).table("Balance", "Composite")
    for model, block in figures(made).items():
        accuracies = [block[split]["accuracy"] for split in ("train", "validation", "test")]
        assert exact(by_part[model]) == [*accuracies, block["balance"], block["average"], block["composite"]]


def test_the_answer_names_the_model_that_validation_chose(reported: tuple[Example, str]):
    made, html = reported
    test = figures(made)[best(made)]["test"]
    text = parsed(html).text
    assert f"Of 5 models, {best(made)} has the lowest cross-entropy on validation." in text
    assert f"On test it reads {100 * test['accuracy']:.1f} % of {test['support']} images correctly" in text
    if len(made.classes) == 2:
        tumour = test["classes"]["tumour"]
        assert f"misses {tumour['false_negatives']} of {tumour['support']} tumour images" in text


def test_the_data_sets_health(reported: tuple[Example, str]):
    made, html = reported
    page, data = parsed(html), files.read_json(made.path(layout.metrics("split", made.study)))
    assert f"{data['used']} of {data['images']} images are used. Set aside: no class (1); unreadable (3)." in page.text
    assert "15 images in 7 sets" in page.text
    assert "12.2 of 48 validation and test images (25.5 %) would have a duplicate in training" in page.text
    table = page.table("Train", "All")
    for name in made.classes:
        counts = [data["splits"][split][name] for split in ("train", "validation", "test")]
        assert exact(table[name]) == [*counts, data["classes"][name]]


def test_timings_and_their_absence(reported: tuple[Example, str]):
    made, html = reported
    table = parsed(html).table("Engine", "p99")
    assert [text for text, _ in table["simple"]] == ["TensorFlow", "3.25", "3.50", "4.75", "", "533"]
    for model in made.models[1:]:
        assert [text for text, _ in table[model]] == ["not measured"]
    assert "Timed on A processor, 2 threads (tensorflow 2.21.0)." in parsed(html).text
    assert [text for text, _ in table["ONNX Runtime"]] == ["3.25", "3.50", "4.75", "2.5", "533"]


def test_synthetic_images_are_called_so(reported: tuple[Example, str]):
    made, html = reported
    assert ("Synthetic images." in parsed(html).text) == (made.study == "phantom")
    assert parsed(html).text.count("not a medical device") == 1


def test_the_page_asks_nothing_of_the_network(reported: tuple[Example, str]):
    html = reported[1]
    assert len(html.encode()) < 5 * 2**20
    for tag, attributes in parsed(html).elements:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
    assert not re.search(r"url\(|@import", html)


def test_everyone_can_read_it(reported: tuple[Example, str]):
    page: Page = parsed(reported[1])
    assert all(image["alt"].strip() for image in page.images)
    assert all(attributes.get("scope") for tag, attributes in page.elements if tag == "th")
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert ("html", {"lang": "en"}) in page.elements
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))


def test_figures_are_files_too_and_stay_the_same(reported: tuple[Example, str]):
    made, html = reported
    folder = made.path(layout.REPORT_FIGURES) / made.study
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rocs = 1 if len(made.classes) == 2 else len(made.classes)
    assert len(before) == len(made.trained) + len(made.models) + rocs
    (folder / "of_an_earlier_run.svg").touch()
    assert made.report() == html
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_class_absent_from_test_and_timings_not_taken_show_as_gaps(tmp_path: Path):
    made = example(tmp_path, absent="nodule").evaluate()
    page = parsed(made.report())
    dash = ("\N{EN DASH}", None)
    assert page.table("Balanced accuracy", "Brier score")["simple"][2] == dash
    assert page.table("Recall", "Specificity")["nodule"][:2] == [("0", None), dash]
    assert "Not measured." in page.text


def test_names_from_the_data_cannot_break_out(tmp_path: Path):
    made = example(tmp_path).evaluate()
    path = made.path(layout.metrics("split", made.study))
    data = files.read_json(path)
    files.write_json(path, {**data, "set_aside": {"<script>alert(1)</script>": 1}})
    html = made.report()
    assert "<script" not in html
    assert "<script>alert(1)</script> (1)." in parsed(html).text


@pytest.mark.slow
def test_several_studies_share_the_page(tmp_path: Path):
    other = example(tmp_path, "brain_mri").evaluate()
    made = example(tmp_path).evaluate()
    text = (tmp_path / "params.yaml").read_text()
    listed = re.sub(r"studies: *\[[^\]]*\]|studies:\n *- phantom\n", "studies: [phantom, brain_mri]\n", text, count=1)
    (tmp_path / "params.yaml").write_text(listed)
    page = parsed(made.report())
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert links == [f"#{made.study}", f"#{other.study}"]
    assert {attributes["id"] for tag, attributes in page.elements if tag == "article"} == {"phantom", "brain_mri"}


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        (layout.metrics("evaluate", "phantom"), "metrics/evaluate/phantom.json not found; run `dvc repro` to make it"),
        (layout.metrics("split", "phantom"), "metrics/split/phantom.json not found; run `dvc repro` to make it"),
    ],
)
def test_a_stage_that_did_not_run_is_one_clear_line(tmp_path: Path, removed: Path, message: str):
    made = example(tmp_path).evaluate()
    made.path(removed).unlink()
    done = run(tmp_path, "stages.report")
    assert (done.returncode, done.stderr) == (1, f"error: {message}\n")


def test_a_model_that_was_not_evaluated_is_one_clear_line(tmp_path: Path):
    made = example(tmp_path).evaluate()
    path = made.path(layout.metrics("evaluate", made.study))
    files.write_json(path, {model: block for model, block in figures(made).items() if model != "lite0"})
    done = run(tmp_path, "stages.report")
    assert done.returncode == 1
    assert done.stderr == "error: metrics/evaluate/phantom.json lacks model 'lite0'; run `dvc repro`\n"
