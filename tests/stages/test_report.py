from __future__ import annotations

import re
from pathlib import Path

import pytest

from medcnn import files, layout
from tests.project import run
from tests.report.example import CASCADE, Example, example, write_published, write_timings
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
    if made.study == "brain_mri":
        write_published(made)
    return made, made.report()


def exact(cells: list[tuple[str, str | None]]) -> list[float]:
    return [float(value if value is not None else text) for text, value in cells]


def figures(made: Example) -> dict:
    return files.read_json(made.path(layout.metrics("evaluate", made.study)))


def best(made: Example) -> str:
    """By validation, without what was fitted there."""
    candidates = [model for model in made.models if model not in ("ensemble_weighted", CASCADE)]
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
        name = model if model in by_part else f"{model} chosen"
        assert exact(by_part[name][:-2]) == [*accuracies, block["balance"], block["average"], block["composite"]]


def test_cost_stands_beside_the_figures(reported: tuple[Example, str]):
    table = parsed(reported[1]).table("Balance", "Composite")
    costs = {model: [text for text, _ in cells[-2:]] for model, cells in table.items()}
    assert costs["simple"] == ["661 k", "1.2 M"]
    assert costs[CASCADE] == ["\N{EN DASH}", "151 M"]
    assert costs["ensemble_mean"] == ["\N{EN DASH}", "401 M"]


def test_ensembles_show_what_validation_says_and_which_was_chosen(reported: tuple[Example, str]):
    made, html = reported
    table = parsed(html).table("Ensemble", "Weights")
    test = figures(made)["ensemble_mean"]["test"]
    assert exact(table["mean chosen"][:-1]) == [0.75, 0.5, test["accuracy"], test["cross_entropy"]]
    assert table["mean chosen"][-1][0] == "lite0 0.50, simple 0.50"
    assert table["weighted"][1] == ("\N{EN DASH}", None)


def test_cascades_show_who_answers_and_at_what_cost(reported: tuple[Example, str]):
    made, html = reported
    cells = parsed(html).table("Threshold", "Temperature")["simple"]
    accuracies = [figures(made)[model]["test"]["accuracy"] for model in ("simple", "lite0", CASCADE)]
    assert exact(cells[1:-3]) == [1.25, 0.875, 0.5, 0.625, *accuracies]
    assert [text for text, _ in cells[-3:]] == ["1.2 M", "400 M", "151 M"]


def test_a_published_study_stands_beside_what_is_measured(reported: tuple[Example, str]):
    made, html = reported
    page = parsed(html)
    if made.study == "phantom":
        assert "As published" not in page.text
        return
    table = page.table("As published", "Here, honest split")
    assert exact(table["vgg16"][:5]) == [0.82, 0.5964, 0.9, 0.3, 51]
    assert table["vgg16"][0][0] == "0.82"
    assert [text for text, _ in table["vgg16"][5:]] == ["not run", "+0.0800", "-0.2964", "1, 2, 5, 6"]
    assert table["vgg19"][2][0] == "no ImageNet weights on this machine"
    assert [text for text, _ in table["lite0 also measured"][:2]] == ["not published", "0.8000"]
    assert "Honest split: 51 test images, on_leak: regroup, data set ffffffffffff." in page.text


def test_the_answer_names_the_model_that_validation_chose(reported: tuple[Example, str]):
    made, html = reported
    test = figures(made)[best(made)]["test"]
    text = parsed(html).text
    assert f"Of 6 models, {best(made)} has the lowest cross-entropy on validation." in text
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
    held_out = data["splits"]["test"][made.classes[0]]
    before = page.table("Exact copy", "Any relative")
    assert [text for text, _ in before["Test"]] == [made.classes[0], str(held_out), "1", "2", "0", "2"]
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


def test_a_split_that_leaks_is_a_loud_warning(tmp_path: Path):
    made = example(tmp_path).evaluate()
    path = made.path(layout.metrics("split", made.study))
    data = files.read_json(path)
    files.write_json(path, {**data, "on_leak": "keep", "leak": {**data["leak"], "this_split": 7}})
    text = parsed(made.report()).text
    assert "These figures are flattered. 7 of 48 validation and test images have a duplicate in an earlier part" in text
    assert "groups that share no" not in text


def test_a_published_table_of_another_version_is_one_clear_line(tmp_path: Path):
    example(tmp_path).evaluate()
    path = layout.metrics("published", "phantom")
    files.write_json(tmp_path / path, {"study": "phantom"})
    done = run(tmp_path, "stages.report")
    assert done.returncode == 1
    assert done.stderr == f"error: {path} is not a table of this version: delete it and run `make published`\n"


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
