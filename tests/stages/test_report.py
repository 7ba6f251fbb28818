from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.params import whole
from medcnn.report import gathering, page
from medcnn.report.areas import Area, aurocs
from medcnn.runtime import paths
from tests.project import run
from tests.report.example import (
    CASCADE,
    Example,
    example,
    write_careless,
    write_cells,
    write_explained,
    write_external,
    write_published,
    write_stressed,
    write_timings,
)
from tests.report.html import Cell, Datum, Page, parsed

ENGINES = ("tensorflow", "onnxruntime", "onnxruntime_int8")
COLUMNS = ("accuracy", "balanced_accuracy", "auroc", "cross_entropy", "brier")
PAIRED = {"accuracy": "accuracy", "auroc": "AUROC", "cross_entropy": "cross-entropy"}
SOURCES = {
    "": ("evaluate", "split", "careless"),
    "careless": ("careless", "evaluate"),
    "data": ("split", "careless"),
    "ranking": ("evaluate", "comparisons", "train", "ensemble"),
    "problems": ("split", "download"),
    "mistakes": (),
    "images": ("evaluate",),
    "external": ("external",),
    "tradeoff": ("evaluate",),
    "consequences": ("evaluate",),
    "calibration": ("evaluate",),
    "galleries": ("explain",),
    "subgroups": ("evaluate",),
    "membership": ("evaluate",),
    "stress": ("stress",),
    "crossval": ("evaluate",),
    "combined": ("evaluate", "ensemble"),
    "curves": (),
    "learning": ("train",),
    "published": ("published",),
    "latency": ("benchmark", "export", "export_ensembles"),
    "methods": (),
    "reproduce": ("download",),
}
"""Which metrics the numbers of each section come from; the first is what stands above all sections."""
UNITS = {"k": 1e3, "M": 1e6, "G": 1e9, "kB": 1e3, "MB": 1e6, "GB": 1e9, "%": 0.01, "bytes": 1}


@pytest.fixture(scope="module", params=["phantom", "brain_mri"])
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, str]:
    made = example(tmp_path_factory.mktemp(request.param), request.param)
    if made.study == "brain_mri":
        write_cells(made)
    made.evaluate()
    write_timings(made, "simple", "lite0", best(made))
    if made.study == "brain_mri":
        write_published(made)
        write_explained(made)
        write_stressed(made, "simple")
    write_external(made)
    write_careless(made)
    return made, made.report()


def exact(cells: list[Cell]) -> list[float]:
    return [float(cell.text if cell.value is None else cell.value) for cell in cells]


def texts(cells: list[Cell]) -> list[str]:
    return [cell.text for cell in cells]


def figures(made: Example) -> dict:
    return files.read_json(made.path(paths.metrics("evaluate", made.study)))


def best(made: Example) -> str:
    """By validation, without what could not be scored there out of fold."""
    candidates = [model for model in made.models if model not in ("ensemble_weighted", CASCADE)]
    return min(candidates, key=lambda model: figures(made)[model]["validation"]["cross_entropy"])


def areas(made: Example) -> dict[str, Area]:
    """The chosen model's AUROC of each class."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        return aurocs(made.study, best(made), 0.95)


def most_frequent(made: Example) -> tuple[str, float]:
    """The most frequent class on test, and its share."""
    test = figures(made)[best(made)]["test"]
    name = max(test["classes"], key=lambda name: test["classes"][name]["support"])
    return name, test["classes"][name]["support"] / test["support"]


def numbers(value: Any) -> Iterator[float]:
    """Every number in a tree of JSON."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, (int, float)):
        yield float(value)


def known(made: Example, section: str) -> set[float]:
    """The numbers that a section may show: of its metrics, and the params that figures are judged with."""
    found = [file for stage in SOURCES[section] for file in made.path(Path("metrics", stage)).rglob("*.json")]
    values = {number for file in found for number in numbers(json.loads(file.read_text()))}
    settings = whole.load(made.path(paths.PARAMS))
    values |= {settings.seed, *numbers(settings.evaluate.model_dump(mode="json"))}
    if section == "latency":
        values |= set(numbers(settings.benchmark.model_dump(mode="json")))
        values |= {mean_ms(timed(made, *of)) for of in product(("simple", "lite0", best(made)), ENGINES)}
    if section == "data":
        values |= {float(count) for part in leaked(made).values() for count in part}
        values |= {float(sum(counts)) for counts in zip(*leaked(made).values(), strict=True)}
    if section == "curves":
        lines = made.path(paths.plots("evaluate", made.study) / "confusion.csv").read_text().splitlines()
        column = lines[0].split(",").index("images")
        values |= {float(line.split(",")[column]) for line in lines[1:]}
    if section == "ranking":
        # The matrix of pairs has every difference both ways round.
        values |= {-number for number in numbers(files.read_json(made.path(paths.metrics("comparisons", made.study))))}
        values.add(most_frequent(made)[1])
    if section in ("ranking", "curves"):
        values |= {number for area in areas(made).values() for number in numbers(area.model_dump())}
    if section == "":
        values |= set(range(len(made.models) + 1))
        values.add(most_frequent(made)[1])
    return values


def leaked(made: Example) -> dict[str, list[int]]:
    """The sums over classes of the table of leaks, column by column, by part."""
    by_part = files.read_json(made.path(paths.metrics("split", made.study)))["before_repair"]
    return {
        part: [sum(counts) for counts in zip(*(block.values() for block in by_class.values()), strict=True)]
        for part, by_class in by_part.items()
    }


def mean_ms(block: dict) -> float:
    """The mean of the calls of one image."""
    return 1000 * block["single_stream"]["seconds"] / block["single_stream"]["calls"]


def test_every_number_on_the_page_is_a_number_of_its_metrics(reported: tuple[Example, str]):
    made, html = reported
    by_section: dict[str, list[Datum]] = {}
    for datum in parsed(html).data:
        by_section.setdefault(datum.section.removeprefix(made.study).removeprefix("-"), []).append(datum)
    assert len(parsed(html).data) > 500
    for section, data in by_section.items():
        there = known(made, section)
        assert [datum for datum in data if float(datum.value) not in there] == [], section


def test_no_table_shows_a_number_without_its_exact_value(reported: tuple[Example, str]):
    cells = [cell for table in parsed(reported[1]).tables for row in table for cell in row]
    bare = [cell for cell in cells if not cell.values and re.fullmatch(r"[-+]?[\d.,]+ ?[%kMG]?", cell.text)]
    assert [cell for cell in bare if cell.classes != "text"] == []


def test_numbers_are_shown_rounded(reported: tuple[Example, str]):
    for datum in parsed(reported[1]).data:
        if datum.shown.startswith(("< ", "> ")):
            sign, limit, *unit = datum.shown.split()
            bound = float(limit) * (0.01 if unit else 1)
            assert float(datum.value) < bound if sign == "<" else float(datum.value) > bound
            continue
        text, _, unit = datum.shown.replace(",", "").partition(" ")
        digits = len(text.partition(".")[2])
        step = UNITS.get(unit, 1) * 10**-digits
        size = 0.5 if digits or unit in ("", "%") else 5
        assert float(text) * UNITS.get(unit, 1) == pytest.approx(float(datum.value), abs=1.01 * size * step), datum


def test_the_ranking_shows_every_figure_with_its_interval(reported: tuple[Example, str]):
    made, html = reported
    table = parsed(html).table("Model", "Validation cross-entropy")
    comparisons = files.read_json(made.path(paths.metrics("comparisons", made.study)))
    assert [name.split()[0] for name in list(table)[1:]] == [
        best(made),
        *(model for model in comparisons["ranking"] if model != best(made)),
    ]
    counted = ["false_negatives", "false_positives"] if len(made.classes) == 2 else []
    for name, cells in list(table.items())[1:]:
        block = figures(made)[name.split()[0]]
        bounds = [[block["test"][f"{key}{end}"] for end in ("", "_low", "_high")] for key in COLUMNS]
        assert [[float(value) for value in cell.values] for cell in cells[: len(COLUMNS)]] == [
            [value for value in of_figure if value is not None] for of_figure in bounds
        ]
        assert exact(cells[len(COLUMNS) : -1]) == [block["test"]["classes"][made.classes[-1]][key] for key in counted]
        assert exact(cells[-1:]) == [block["validation"]["cross_entropy"]]


def test_the_ranking_marks_what_cannot_be_told_apart(reported: tuple[Example, str]):
    made, html = reported
    table = parsed(html).table("Model", "Validation cross-entropy")
    same = files.read_json(made.path(paths.metrics("comparisons", made.study)))["same_as_best"]
    marks = {name.split()[0]: name.partition(" ")[2] for name in list(table)[1:]}
    assert marks.pop(best(made)) == "chosen"
    for model, mark in marks.items():
        apart = [name for key, name in PAIRED.items() if model not in same[key]]
        assert re.sub("(better|worse) in ", "", mark) == (", ".join(apart) or "difference could be chance")


def test_every_pair_of_models_is_in_the_matrices_both_ways_round(reported: tuple[Example, str]):
    made, html = reported
    matrices = [table for table in parsed(html).tables if texts(table[0]) == ["Model", *"123456"]]
    models = [row[0].text.split()[1] for row in matrices[0][1:]]
    assert len(matrices) == len(PAIRED)
    for key, matrix in zip(PAIRED, matrices, strict=True):
        for pair in files.read_json(made.path(paths.metrics("comparisons", made.study)))["pairs"]:
            one, other = models.index(pair["first"]), models.index(pair["second"])
            assert float(matrix[one + 1][other + 1].value or 0) == pair[key]["difference"]
            assert float(matrix[other + 1][one + 1].value or 0) == -pair[key]["difference"]
            assert ("apart" in matrix[one + 1][other + 1].classes) == (pair[key]["p_holm"] < 0.05)


def test_every_pair_of_models_is_in_the_table_of_pairs(reported: tuple[Example, str]):
    made, html = reported
    [table] = [table for table in parsed(html).tables if "p" in texts(table[0])]
    pairs = files.read_json(made.path(paths.metrics("comparisons", made.study)))["pairs"]
    assert len(table) - 1 == len(pairs) == 15
    for row, pair in zip(table[1:], pairs, strict=True):
        assert texts(row[:2]) == [pair["first"], pair["second"]]
        assert exact(row[2::2]) == [pair[key]["difference"] for key in PAIRED]


def test_figures_by_class_and_by_part_are_those_of_the_metrics(reported: tuple[Example, str]):
    made, html = reported
    by_class = parsed(html).table("Recall", "Specificity")
    keys = ("support", "recall", "specificity", "precision", "f1", "false_negatives", "false_positives")
    for name, block in figures(made)[best(made)]["test"]["classes"].items():
        support, area, *rates = exact(by_class[name])
        assert [support, *rates] == [block[key] for key in keys]
        assert area == areas(made)[name].auroc
    by_part = parsed(html).table("Balance", "Composite")
    for model, block in figures(made).items():
        accuracies = [block[split]["accuracy"] for split in ("train", "validation", "test")]
        assert exact(by_part[model][:-2]) == [*accuracies, block["balance"], block["average"], block["composite"]]


def test_operating_points_are_those_of_the_metrics(reported: tuple[Example, str]):
    made, html = reported
    tables = [
        table for table in parsed(html).tables if {"PPV", "NPV"} <= {cell.text for row in table[1:2] for cell in row}
    ]
    assert len(tables) == (1 if len(made.classes) == 2 else 1 + len(made.classes))
    table = {row[0].text: row[1:] for row in tables[0][2:]}
    points = figures(made)[best(made)]["operating_points"]
    shown = {best(made): points[made.classes[-1]]} if len(made.classes) == 2 else points
    for name, point in shown.items():
        reached = [point["threshold"], point["validation"]["sensitivity"], point["validation"]["specificity"]]
        tested = [point[key] for key in ("sensitivity", "specificity", "ppv", "npv")]
        assert exact(table[name]) == [*reached, *tested, point["false_negatives"], point["false_positives"]]


def test_calibration_before_and_after(reported: tuple[Example, str]):
    made, html = reported
    block = figures(made)[best(made)]["calibration"]
    table = parsed(html).table("Figure", "Before")
    for name, key in (("ECE", "ece"), ("Brier score", "brier"), ("Cross-entropy", "cross_entropy")):
        assert exact(table[name]) == [block["before"][key], block[key]]


def test_confusion_is_a_table_of_counts(reported: tuple[Example, str]):
    made, html = reported
    tables = [table for table in parsed(html).tables if table[0][0].text == "True class"]
    assert len(tables) == len(made.models)
    support = figures(made)[best(made)]["test"]["classes"]
    for row in tables[0][1:]:
        assert sum(exact(row[1:])) == support[row[0].text]["support"]


def test_what_did_not_run_is_left_out(reported: tuple[Example, str]):
    made, html = reported
    page = parsed(html)
    sections = {attributes["id"] for tag, attributes in page.elements if tag == "section"}
    optional = {f"{made.study}-{key}" for key in ("galleries", "subgroups", "stress", "crossval", "published")}
    assert sections & optional == (optional if made.study == "brain_mri" else set())
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert {f"#{section}" for section in sections} <= links


def test_galleries_name_the_images(reported: tuple[Example, str]):
    made, html = reported
    if made.study == "phantom":
        return
    explained = files.read_json(made.path(paths.metrics("explain", made.study)))
    alts = " ".join(image["alt"] for image in parsed(html).images)
    assert explained["model"] == best(made)
    for item in (item for items in explained["images"].values() for item in items):
        words = f"Image {item['path']} as prepared, and beside it with its heat maps. True class {item['label']}"
        assert f"{words}, predicted {item['predicted']}." in alts


def test_folds_stand_beside_their_pooled_figure(reported: tuple[Example, str]):
    made, html = reported
    if made.study == "phantom":
        return
    table = parsed(html).table("Fold 0", "Fold 1")
    for model in made.models:
        block = figures(made)[model]["crossval"]
        cells = [block["cells"][cell]["accuracy"] for cell in ("0-0", "1-0")]
        pooled = [block["pooled"][key] for key in PAIRED]
        assert exact(table[model]) == [*cells, block["mean"]["accuracy"], block["spread"]["accuracy"], *pooled]


def test_cost_stands_beside_the_figures(reported: tuple[Example, str]):
    table = parsed(reported[1]).table("Balance", "Composite")
    costs = {model: texts(cells[-2:]) for model, cells in table.items()}
    assert costs["simple"] == ["661 k", "1.2 M"]
    assert costs[CASCADE] == ["\N{EN DASH}", "151 M"]
    assert costs["ensemble_mean"] == ["\N{EN DASH}", "401 M"]


def test_ensembles_show_what_validation_says_and_which_was_chosen(reported: tuple[Example, str]):
    made, html = reported
    table = parsed(html).table("Ensemble", "How its models count")
    test = figures(made)["ensemble_mean"]["test"]
    assert exact(table["mean chosen"][:-1]) == [0.75, 0.5, test["accuracy"], test["cross_entropy"]]
    assert table["mean chosen"][-1].text == "lite0 0.50, simple 0.50"
    assert table["weighted"][1] == Cell("\N{EN DASH}")


def test_cascades_show_who_answers_and_at_what_cost(reported: tuple[Example, str]):
    made, html = reported
    cells = parsed(html).table("Threshold", "Temperature")["simple"]
    accuracies = [figures(made)[model]["test"]["accuracy"] for model in ("simple", "lite0", CASCADE)]
    assert exact(cells[1:-3]) == [1.25, 0.875, 0.5, 0.625, *accuracies]
    assert texts(cells[-3:]) == ["1.2 M", "400 M", "151 M"]


def test_a_published_study_stands_beside_what_is_measured(reported: tuple[Example, str]):
    made, html = reported
    page = parsed(html)
    if made.study == "phantom":
        assert "As published" not in page.text
        return
    table = page.table("As published", "Here, honest split")
    assert exact(table["vgg16"][:5]) == [0.82, 0.5964, 0.9, 0.3, 51]
    assert table["vgg16"][0].text == "0.82"
    assert texts(table["vgg16"][5:]) == ["not run", "+0.0800", "-0.2964", "1, 2, 5, 6"]
    assert table["vgg19"][2].text == "no ImageNet weights on this machine"
    assert texts(table["lite0 also measured"][:2]) == ["not published", "0.8000"]
    assert "Honest split: 51 test images, on_leak: regroup, data set ffffffffffff." in page.text


def test_the_answer_names_the_model_that_validation_chose(reported: tuple[Example, str]):
    made, html = reported
    test = figures(made)[best(made)]["test"]
    text = parsed(html).text
    low, high = (f"{100 * test[key]:.1f} %" for key in ("accuracy_low", "accuracy_high"))
    assert f"{best(made)} classifies {100 * test['accuracy']:.1f} % of test images correctly" in text
    assert f"(95 % interval {low} to {high}), measured on {test['support']} images of {test['groups']} groups" in text
    assert "It was chosen among 6 models by its cross-entropy on validation" in text
    if len(made.classes) == 2:
        point = figures(made)[best(made)]["operating_points"]["tumour"]
        tumour = test["classes"]["tumour"]["support"]
        assert f"it misses {point['false_negatives']} of {tumour} tumour images" in text


def test_the_data_sets_health(reported: tuple[Example, str]):
    made, html = reported
    page, data = parsed(html), files.read_json(made.path(paths.metrics("split", made.study)))
    assert f"{data['used']} of {data['images']} images are used. Set aside: no class (1); unreadable (3)." in page.text
    assert "15 images in 7 sets" in page.text
    assert "on average 12 of 48 validation and test images (25.5 %) would have a duplicate in training" in page.text
    held_out = data["splits"]["test"][made.classes[0]]
    before = page.table("Exact copy", "Any relative")
    assert texts(before["Test"]) == [made.classes[0], str(held_out), "1", "2", "0", "2"]
    table = page.table("Train", "All")
    for name in made.classes:
        counts = [data["splits"][split][name] for split in ("train", "validation", "test")]
        assert exact(table[name]) == [*counts, data["classes"][name]]


def timed(made: Example, model: str, engine: str) -> dict:
    return files.read_json(made.path(paths.metrics("benchmark", made.study, model)))["engines"][engine]


def lines(html: str, column: str) -> list[dict[str, list[Cell]]]:
    """The tables of timings with this column, by the model and engine of each line."""
    tables = [table for table in parsed(html).tables if {"Model and engine", column} <= set(texts(table[0]))]
    return [{row[0].text: row[1:] for row in table[1:]} for table in tables]


def test_the_answer_of_the_benchmark_comes_first(reported: tuple[Example, str]):
    made, html = reported
    text = parsed(html).text
    speed = "5.2 times as fast as TensorFlow (4.5 to 6.0 over the rounds); noisy, its rounds differ by 31 %"
    assert f"{best(made)}, the chosen model, is fastest on ONNX Runtime int8: 5.00 ms per image, {speed}." in text
    comparisons = files.read_json(made.path(paths.metrics("comparisons", made.study)))
    alike = all("simple" in models for models in comparisons["same_as_best"].values())
    fastest, p50 = ("simple", "1.25") if alike else ("lite0", "2.50")
    assert f"no paired test finds worse is {fastest} on ONNX Runtime int8: {p50} ms per image, {speed}." in text


def test_every_engine_has_a_line_with_the_figures_of_its_metrics(reported: tuple[Example, str]):
    made, html = reported
    first, every = lines(html, "p99")
    assert len(every) == 9
    assert next(iter(every)) == "simple ONNX Runtime int8 frontier", "the fastest stands first"
    assert list(first) == [
        *(f"{best(made)} {engine}" for engine in ("ONNX Runtime int8 frontier", "ONNX Runtime frontier", "TensorFlow")),
        "simple ONNX Runtime int8 frontier", "lite0 ONNX Runtime int8 frontier",
    ]  # fmt: skip
    assert all(every[name] == cells for name, cells in first.items())
    for name, model, engine in (
        ("lite0 ONNX Runtime", "lite0", "onnxruntime"),
        (f"{best(made)} TensorFlow", best(made), "tensorflow"),
    ):
        block = timed(made, model, engine)
        stream = block["single_stream"]
        shown = [stream["p50_ms"], mean_ms(block), stream["p90_ms"], stream["p99_ms"]]
        speedup = [[block["speedup"][key] for key in ("median", "lowest", "highest")]] if "speedup" in block else [[]]
        test = block["test"]
        assert [[float(value) for value in cell.values] for cell in every[name][:-1]] == [
            *([value] for value in shown), *speedup, *([block["end_to_end"][key]] for key in ("p50_ms", "p99_ms")),
            [test[key] for key in ("accuracy", "accuracy_low", "accuracy_high")], [test["largest_difference"]],
        ]  # fmt: skip


def test_offline_start_and_size_of_every_engine(reported: tuple[Example, str]):
    made, html = reported
    _, every = lines(html, "Cold start, ms")
    block = timed(made, "simple", "onnxruntime_int8")
    cells = every["simple ONNX Runtime int8 frontier"]
    assert cells[-1].text == "mixed"
    throughput = [block["offline"][size]["images_per_second"] for size in ("1", "8", "32")]
    assert exact(cells[:-1]) == [*throughput, 480.5, 210.25, 910_000]


def test_noise_gaps_and_the_machine_are_named(reported: tuple[Example, str]):
    made, html = reported
    _, every = lines(html, "p99")
    assert every["lite0 ONNX Runtime int8 frontier"][0].text == "2.50 noisy, 31 %"
    assert not [name for name, cells in every.items() if "noisy" in cells[0].text and "int8" not in name]
    text = parsed(html).text
    untimed = [model for model in made.models if model not in ("simple", "lite0", best(made))]
    assert f"Not measured: {', '.join(untimed)}." in text
    assert "Not installed where this was timed: OpenVINO, OpenVINO bfloat16." in text
    assert f"LiteRT cannot run simple, lite0, {best(made)}: It has no <op>." in text
    assert "Timed on A processor (x86_64, Linux), 2 cores, 2 threads for every engine." in text
    assert "Instruction sets: avx2. Versions: tensorflow 2.21.0." in text
    assert text.count("takes 0.21 ms (p99 0.42)") == 1


def test_every_exported_file_stands_beside_its_keras_model_and_its_int8_file(reported: tuple[Example, str]):
    made, html = reported
    parity = parsed(html).table("Model", "Accuracy, ONNX")
    int8 = parsed(html).table("Model", "Layers in int8")
    assert set(made.models) == set(list(parity)[1:]) == set(list(int8)[1:])
    assert exact(parity[CASCADE]) == [2_650_000, 24, 1.0, 0.75, 0.75, 2e-6]
    assert int8["simple"][0].text == "mixed"
    assert exact(int8["simple"][1:]) == [17, 2, 2_650_000, 910_000, 0.75, 0.745, 0.005, 0.0125]
    text = parsed(html).text
    assert text.count("first/convolution, last/MatMul") == len(made.models)
    assert "may lose at most 1.0 % of accuracy, and cross-entropy may rise by at most 0.05" in text
    assert f"python -m medcnn predict {paths.onnx_model(made.study, best(made))} image.png" in text


def test_the_page_leads_to_the_model_in_the_browser(reported: tuple[Example, str]):
    links = [attributes["href"] for tag, attributes in parsed(reported[1]).elements if tag == "a"]
    assert links.count(paths.TRY.name) == 2
    made = reported[0]
    assert made.path(paths.REPORT).with_name("try.html") == made.path(paths.TRY)
    assert made.path(paths.TRY).is_file()


def test_synthetic_images_are_called_so(reported: tuple[Example, str]):
    made, html = reported
    assert ("Synthetic images." in parsed(html).text) == (made.study == "phantom")
    assert parsed(html).text.count("not a medical device") == 1


def test_the_page_asks_nothing_of_the_network(reported: tuple[Example, str]):
    html = reported[1]
    assert len(html.encode()) < 5 * 2**20
    for tag, attributes in parsed(html).elements:
        assert tag not in ("iframe", "object", "embed")
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:")) or (tag, attributes[name]) == ("a", "try.html")
    assert not re.search(r"url\((?!%23)|@import", html)
    assert "default-src 'none'" in html


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
    folder = made.path(paths.REPORT_FIGURES) / made.study
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    curves, stress = (1, 5) if len(made.classes) == 2 else (len(made.classes), 0)
    # The figures of timings stand on the page alone: DVC keeps these files, and timings differ on every run.
    careless = 1
    kinds_of_curves = 4
    assert len(before) == careless + len(made.trained) + 2 * len(made.models) + kinds_of_curves * curves + stress
    (folder / "of_an_earlier_run.svg").touch()
    assert undated(made.report()) == undated(html)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def undated(html: str) -> str:
    """The page without the minute that it was drawn in."""
    return re.sub("<time .*?</time>", "", html)


def test_a_class_absent_from_test_and_timings_not_taken_show_as_gaps(tmp_path: Path):
    made = example(tmp_path, absent="nodule").evaluate()
    page = parsed(made.report())
    dash = Cell("\N{EN DASH}")
    ranking = {name.split()[0]: cells for name, cells in page.table("Model", "Validation cross-entropy").items()}
    assert ranking["simple"][2].text == dash.text
    assert texts(page.table("Recall", "Specificity")["nodule"][:2]) == ["0", dash.text]
    assert "Not measured." in page.text


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(tmp_path_factory.mktemp("evaluated")).evaluate()


@pytest.fixture
def copy(evaluated: Example, tmp_path: Path) -> Example:
    """An evaluated project of the test's own."""
    shutil.copytree(evaluated.folder, tmp_path, dirs_exist_ok=True)
    return replace(evaluated, folder=tmp_path)


def test_names_from_the_data_cannot_break_out(copy: Example):
    made = copy
    path = made.path(paths.metrics("split", made.study))
    data = files.read_json(path)
    files.write_json(path, {**data, "set_aside": {"<script>alert(1)</script>": 1}})
    html = made.report()
    assert "<script>alert" not in html
    assert "<script>alert(1)</script> (1)." in parsed(html).text


def test_a_page_that_would_be_too_large_leaves_out_what_is_behind_a_click(
    copy: Example, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(copy.folder)
    settings = whole.load()
    chapter = page.Chapter(gathering.gathered(copy.study, settings))
    full, lean = (page.render([chapter], settings, None, limit) for limit in (page.LIMIT, 0))
    assert len(lean) < len(full)
    assert len(parsed(lean).images) < len(parsed(full).images)
    assert f"see plots/report/figures/{copy.study}, for this page would be too large" in parsed(lean).text
    assert parsed(lean).data == parsed(full).data


def test_timings_of_other_files_than_the_exported_ones_do_not_count(copy: Example):
    write_timings(copy, "simple", "lite0", "ensemble_mean", CASCADE)
    for model, change in {"simple": {"model_sha256": "9" * 64}, "lite0": {"int8_sha256": "9" * 64}}.items():
        path = copy.path(paths.metrics("benchmark", copy.study, model))
        files.write_json(path, files.read_json(path) | change)
    earlier = {"model_sha256": "0" * 64, "latency": {}}
    files.write_json(copy.path(paths.metrics("benchmark", copy.study, "ensemble_weighted")), earlier)
    _, every = lines(copy.report(), "p99")
    assert {name.split()[0] for name in every} == {"ensemble_mean", CASCADE}
    table = copy.path(paths.plots("benchmark", copy.study) / "latency.csv").read_text().splitlines()
    assert {line.split(",")[1] for line in table[1:]} == {"ensemble_mean", CASCADE}


def test_what_models_of_an_earlier_run_left_is_removed(copy: Example):
    write_timings(copy, "simple", "ensemble_mean", CASCADE, "vgg16", "ensemble_stack")
    copy.report()
    left = {path.stem for path in copy.path(paths.metrics_folder("benchmark", copy.study)).iterdir()}
    assert left == {"simple", "ensemble_mean", CASCADE}


def test_models_timed_in_different_settings_are_not_compared(copy: Example):
    write_timings(copy, "simple", "lite0")
    path = copy.path(paths.metrics("benchmark", copy.study, "lite0"))
    files.write_json(path, files.read_json(path) | {"threads": 1})
    text = parsed(copy.report()).text
    assert "Timed in different settings." in text
    assert "lite0: timed on A processor (x86_64, Linux), 2 cores, 1 thread for every engine." in text


def test_doubts_are_listed_and_warnings_are_on_the_first_screen_with_a_link(reported: tuple[Example, str]):
    made, html = reported
    page = parsed(html)
    doubts = files.read_json(made.path(paths.metrics("split", made.study)))["doubts"]
    rows = page.table("Severity", "Count")
    for doubt in doubts:
        text, count, examples = rows[doubt["severity"].capitalize()]
        assert (text.text, float(count.value or "nan")) == (doubt["text"], doubt["count"])
        assert all(example in examples.text for example in doubt["examples"])
    first_screen = page.text[: page.text.index("The data, and problems found")]
    assert "patients unknown" in first_screen
    assert "files passed over" not in first_screen
    target = next(value["href"] for tag, value in page.elements if tag == "a" and "doubts" in value.get("href", ""))
    assert target.removeprefix("#") in {value.get("id") for _, value in page.elements}


def test_no_leak_is_only_claimed_where_all_patients_are_known(copy: Example):
    path = copy.path(paths.metrics("split", copy.study))
    data = files.read_json(path)
    unclaimed = f"patients unknown for {data['without_patient']} of {data['used']} images"
    assert unclaimed in parsed(copy.report()).text
    assert unclaimed in copy.path(paths.card(copy.study)).read_text()
    files.write_json(path, {**data, "patients": 9, "without_patient": 0, "doubts": []})
    assert "unknown" not in parsed(copy.report()).text
    assert "unknown" not in copy.path(paths.card(copy.study)).read_text()


def test_a_split_that_leaks_is_a_loud_warning(copy: Example):
    made = copy
    path = made.path(paths.metrics("split", made.study))
    data = files.read_json(path)
    files.write_json(path, {**data, "on_leak": "keep", "leak": {**data["leak"], "this_split": 7}})
    text = parsed(made.report()).text
    assert "These figures are flattered. 7 of 48 validation and test images have a duplicate in an earlier part" in text
    assert "groups that share no" not in text


def test_a_published_table_of_another_version_is_one_clear_line(copy: Example):
    path = paths.metrics("published", "phantom")
    files.write_json(copy.path(path), {"study": "phantom"})
    with pytest.raises(MedcnnError, match=re.escape(str(path))):
        copy.report()


@pytest.mark.slow
def test_several_studies_share_the_page(tmp_path: Path):
    other = example(tmp_path, "brain_mri").evaluate()
    made = example(tmp_path).evaluate()
    text = (tmp_path / "params.yaml").read_text()
    listed = re.sub(r"studies: *\[[^\]]*\]|studies:\n *- phantom\n", "studies: [phantom, brain_mri]\n", text, count=1)
    (tmp_path / "params.yaml").write_text(listed)
    page = parsed(made.report())
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert links[1:3] == [f"#{made.study}", f"#{other.study}"]
    assert {attributes["id"] for tag, attributes in page.elements if tag == "article"} == {"phantom", "brain_mri"}


@pytest.mark.parametrize("removed", [paths.metrics(stage, "phantom") for stage in ("comparisons", "evaluate", "split")])
def test_a_stage_that_did_not_run_is_one_clear_line(copy: Example, removed: Path):
    copy.path(removed).unlink()
    done = run(copy.folder, "stages.report")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {removed} ")
    assert len(done.stderr.splitlines()) == 1


def test_a_model_that_was_not_evaluated_is_one_clear_line(copy: Example):
    made = copy
    path = made.path(paths.metrics("evaluate", made.study))
    files.write_json(path, {model: block for model, block in figures(made).items() if model != "lite0"})
    with pytest.raises(MedcnnError, match=r"metrics/evaluate/phantom\.json.*'lite0'"):
        made.report()


def test_every_model_is_shown_on_another_study_and_what_an_earlier_run_left_is_not(tmp_path: Path) -> None:
    made = example(tmp_path).evaluate()
    write_external(made)
    stale = made.path(paths.metrics("external", made.study, "gone"))
    stale.write_text("{}")
    data = [datum for datum in parsed(made.report()).data if datum.section == f"{made.study}-external"]
    shown = {float(datum.value) for datum in data}
    found = files.read_json(made.path(paths.metrics("external", made.study, "elsewhere")))
    for tested in found["models"].values():
        assert {tested["external"]["figures"]["auroc"], tested["change"]["auroc"]["difference"]} <= shown
    assert not stale.exists()


def test_a_model_that_was_not_tested_on_another_study_is_named(tmp_path: Path) -> None:
    made = example(tmp_path).evaluate()
    write_external(made)
    path = made.path(paths.metrics("external", made.study, "elsewhere"))
    found = files.read_json(path)
    del found["models"]["lite0"]
    files.write_json(path, found)
    with pytest.raises(MedcnnError, match=r"external/phantom/elsewhere.json lacks model 'lite0'"):
        made.report()
