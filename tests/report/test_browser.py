"""The page in a real browser: Chromium, driven by Playwright, with the page opened from disk."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from medcnn.core import files
from medcnn.report.problems import KINDS
from medcnn.runtime import paths
from tests.axe import violations
from tests.browser import CHROMIUM, TEXTS, unreadable
from tests.report.conftest import Opened
from tests.report.example import example, write_external

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
RANKED = ("accuracy", "balanced_accuracy", "auroc", "cross_entropy", "brier")


def figures(opened: Opened, study: str) -> dict[str, Any]:
    return files.read_json(opened.folder / paths.metrics("evaluate", study))


def ranking(page: Any, study: str = "phantom") -> list[str]:
    return page.locator(f"#{study} .ranking tbody tr").evaluate_all(
        "rows => rows.map(row => row.cells[0].firstChild.textContent.trim())"
    )


def values(page: Any, study: str, column: int) -> list[float]:
    cells = page.locator(f"#{study} .ranking tbody td:nth-child({column})")
    return [
        float(value) for value in cells.evaluate_all("cells => cells.map(cell => cell.querySelector('data').value)")
    ]


def test_the_ranking_is_that_of_the_metrics(opened: Opened, page: Any):
    for study in opened.studies:
        page.goto(f"{opened.url}#{study}")
        models = ranking(page, study)
        compared = files.read_json(opened.folder / paths.metrics("comparisons", study))
        assert models == [compared["best"], *(model for model in compared["ranking"] if model != compared["best"])]
        for column, key in enumerate(RANKED, start=2):
            found = [figures(opened, study)[model]["test"][key] for model in models]
            assert values(page, study, column) == found


def test_the_ranking_sorts_by_click_and_by_key(page: Any):
    loss = page.locator("#phantom .ranking th", has_text=re.compile("^Cross-entropy"))
    start = ranking(page)
    loss.get_by_role("button").click()
    assert loss.get_attribute("aria-sort") == "ascending"
    assert values(page, "phantom", 5) == sorted(values(page, "phantom", 5))
    page.keyboard.press("Enter")
    assert loss.get_attribute("aria-sort") == "descending"
    assert values(page, "phantom", 5) == sorted(values(page, "phantom", 5), reverse=True)
    assert page.locator("#phantom .ranking [aria-sort]").count() == 1
    page.locator("#phantom .ranking th").first.get_by_role("button").focus()
    page.keyboard.press("Space")
    assert ranking(page) == sorted(start)


def test_a_cell_of_the_pairs_is_read_by_arrow_keys(page: Any):
    pairs = page.locator("#phantom table.pairs").first
    buttons = pairs.locator("tbody button")
    assert buttons.evaluate_all("buttons => buttons.filter((button) => button.tabIndex === 0).length") == 1
    buttons.first.focus()
    output = page.locator("#phantom output.pair").first
    assert output.inner_text() == buttons.first.get_attribute("title")
    # Right of (0, 1), then down over the diagonal and no further than the edge.
    for key, cell in (("ArrowRight", (0, 2)), ("ArrowDown", (1, 2)), ("ArrowDown", (3, 2)), ("ArrowUp", (1, 2))):
        page.keyboard.press(key)
        there = pairs.locator("tbody tr").nth(cell[0]).locator("td").nth(cell[1]).locator("button")
        assert output.inner_text() == there.get_attribute("title"), key


def test_the_slider_counts_the_errors_at_every_stop(opened: Opened, page: Any):
    made = opened.studies["phantom"]
    with (opened.folder / paths.plots("evaluate", "phantom") / "errors.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if (line["model"], line["class"]) == ("lite0", "nodule")]
    explorer = page.locator("#phantom .explorer")
    explorer.get_by_role("combobox", name="Model").select_option("lite0")
    explorer.get_by_role("combobox", name="Class").select_option("nodule")
    slider = explorer.get_by_role("slider")

    def shown(key: str) -> float:
        return float(explorer.locator(f"[data-show={key}] data").first.get_attribute("value"))

    point = figures(opened, "phantom")["lite0"]["operating_points"]["nodule"]
    counts = ("true_positives", "false_negatives", "false_positives", "true_negatives")
    for key in ("threshold", "sensitivity", "specificity", *counts):
        assert shown(key) == point[key]
    support = figures(opened, "phantom")["lite0"]["test"]["classes"]["nodule"]["support"]
    images = figures(opened, "phantom")["lite0"]["test"]["support"]
    seen = set()
    slider.focus()
    page.keyboard.press("Home")
    for _ in range(int(slider.get_attribute("max")) + 1):
        # At a threshold between two lines the errors are those of the higher one.
        line = next(line for line in lines if float(line["threshold"]) >= shown("threshold"))
        missed, alarms = int(line["false_negatives"]), int(line["false_positives"])
        assert [shown(key) for key in counts] == [support - missed, missed, alarms, images - support - alarms]
        seen.add(shown("threshold"))
        page.keyboard.press("ArrowRight")
    assert seen == {float(line["threshold"]) for line in lines} | {point["threshold"]}
    assert explorer.locator("[data-show=ppv] abbr").count() == 1, "nothing is called: PPV is not defined"
    assert slider.get_attribute("aria-valuetext").endswith(f"{support} false negatives, 0 false positives")
    explorer.get_by_role("button", name="Back to").click()
    assert shown("threshold") == point["threshold"]
    assert made.classes[-1] in explorer.get_by_role("combobox", name="Class").inner_text()


def test_the_slider_begins_at_the_threshold_of_validation(opened: Opened, page: Any):
    for study in opened.studies:
        page.goto(f"{opened.url}#{study}")
        explorer = page.locator(f"#{study} .explorer")
        model = explorer.get_by_role("combobox", name="Model").input_value()
        name = explorer.locator("[name=name]").input_value()
        assert model == files.read_json(opened.folder / paths.metrics("comparisons", study))["best"]
        point = figures(opened, study)[model]["operating_points"][name]
        for key in ("threshold", "ppv", "npv", "false_negatives", "false_positives"):
            found = explorer.locator(f"[data-show={key}] data").first
            assert float(found.get_attribute("value")) == point[key]
        assert explorer.locator(".chart:visible").count() == 1
        assert explorer.locator(".chart:visible polyline.chosen").get_attribute("data-model") == model


def test_studies_are_switched_by_key_and_by_address(opened: Opened, page: Any):
    def alone(study: str) -> bool:
        page.locator(f"article#{study}").wait_for(timeout=5000)
        return page.locator("article:visible").count() == 1

    assert alone("phantom")
    link = page.get_by_role("navigation", name="Studies").get_by_role("link").last
    link.focus()
    page.keyboard.press("Enter")
    assert alone("brain_mri")
    assert link.get_attribute("aria-current") == "true"
    page.goto(f"{opened.url}#phantom-calibration")
    assert alone("phantom")
    page.go_back()
    assert alone("brain_mri")


def test_without_a_script_everything_is_there(opened: Opened):
    context = opened.browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(opened.url)
    for study in opened.studies:
        assert tab.locator(f"article#{study}").is_visible()
        assert tab.locator(f"#{study} .explorer .matrix").is_visible()
    assert tab.locator(".explorer form:visible").count() == 0
    context.close()


def test_keys_alone_reach_everything_and_see_where_they_are(page: Any):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    for _ in range(3):
        page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    named = "(element) => element.getAttribute('aria-label') || element.labels?.length || element.textContent.trim()"
    controls = page.locator("a:visible, button:visible, select:visible, input:visible, summary:visible, [role=region]")
    assert (
        controls.evaluate_all(f"elements => elements.filter((element) => !({named})(element)).map(e => e.outerHTML)")
        == []
    )


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(opened: Opened, width: int, scheme: str):
    context = opened.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    for study in opened.studies:
        tab.goto(f"{opened.url}#{study}")
        tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        written = tab.evaluate(TEXTS)
        assert len(written) > 300
        assert unreadable(written) == []
        with Image.open(io.BytesIO(tab.screenshot())) as picture:
            colours = picture.convert("RGB").getcolors(maxcolors=1 << 20)
            assert len(colours) > 50
            paper = max(colours)[1]
            assert (sum(paper) > 3 * 200) == (scheme == "light")
    context.close()


@pytest.mark.parametrize(("width", "scheme", "folded"), [(1440, "light", True), (390, "dark", False)])
def test_no_rule_of_accessibility_is_broken(opened: Opened, width: int, scheme: str, folded: bool):
    context = opened.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(opened.url)
    tab.evaluate("(open) => document.querySelectorAll('details').forEach(part => part.open = open)", not folded)
    assert violations(tab) == []
    tab.locator("#phantom-images .thumbs li:visible a").first.click()
    assert violations(tab, "dialog[open]") == []
    context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_models_on_another_study_fit_and_can_be_read(opened: Opened, tmp_path: Path, width: int):
    made = example(tmp_path, "brain_mri").evaluate()
    write_external(made)
    made.report()
    tab = opened.browser.new_page(viewport={"width": width, "height": 900})
    tab.goto(made.path(paths.REPORT).as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert tab.locator("#brain_mri-external .forest tbody tr").count() == len(made.models)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert unreadable(tab.evaluate(TEXTS)) == []
    tab.close()


def taken(page: Any, click: Any) -> str:
    with page.expect_download() as download:
        click()
    return Path(download.value.path()).read_text()


def test_every_table_is_taken_away_as_csv_with_exact_values(opened: Opened, page: Any):
    texts = page.evaluate(
        "[...document.querySelectorAll('article table:has(tbody tr)')].map((table) => table.caption && csvOf(table))"
    )
    for text in texts:
        header, *rows = csv.reader(io.StringIO(text))
        assert any(header)
        assert {len(row) for row in rows} <= {len(header)}
    button = page.locator("#phantom .ranking .tools button")
    rows = list(csv.DictReader(io.StringIO(taken(page, button.click))))
    assert [row["Model"] for row in rows] == ranking(page)
    for row in rows:
        test = figures(opened, "phantom")[row["Model"]]["test"]
        ends = [float(row[f"Cross-entropy{end}"]) for end in ("", " low", " high")]
        assert ends == [test[f"cross_entropy{end}"] for end in ("", "_low", "_high")]


def test_every_figure_is_taken_away_as_a_drawing(page: Any):
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    figures = page.locator("#phantom figure:visible:has(> img[src^='data:image/svg'], > svg)").all()
    assert len(figures) > 15
    for figure in figures[:3] + figures[-3:]:
        drawing = taken(page, figure.locator(".tools").get_by_text("SVG").click)
        assert ET.fromstring(drawing).tag.endswith("svg")  # noqa: S314 (made here)


def test_an_address_opens_a_fold_and_sets_model_class_and_threshold(opened: Opened, page: Any):
    inside = page.locator("#phantom details table[id]").first.get_attribute("id")
    page.goto("about:blank")
    page.goto(f"{opened.url}#{inside}")
    page.locator(f"#{inside}").wait_for(state="visible", timeout=5000)
    explorer = page.locator("#phantom .explorer")
    explorer.get_by_role("combobox", name="Model").select_option("lite0")
    explorer.get_by_role("combobox", name="Class").select_option("nodule")
    explorer.get_by_role("slider").focus()
    page.keyboard.press("End")
    threshold = explorer.locator("output").inner_text()
    page.locator("#phantom-ranking summary").last.click()
    page.wait_for_function("location.hash.includes('open=')")
    opened_folds = page.locator("#phantom-ranking details[open]").count()
    address = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(address)
    assert explorer.locator("output").inner_text() == threshold
    assert explorer.get_by_role("combobox", name="Model").input_value() == "lite0"
    assert page.locator("#phantom-ranking details[open]").count() == opened_folds > 0


def test_terms_are_defined_by_pointing_and_by_key(page: Any):
    term = page.locator("#phantom .term", has_text="AUROC").first
    term.hover()
    tip = page.get_by_role("tooltip")
    assert "receiver operating characteristic" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.count() == 0
    page.locator("#phantom .ranking th", has_text="Brier score").get_by_role("button").focus()
    assert "squared" in tip.inner_text()


def test_colours_are_chosen_by_hand(page: Any):
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("combobox", name="Colours").select_option("dark")
    assert page.evaluate(paper) != light
    page.reload()
    assert page.evaluate(paper) != light
    page.emulate_media(media="print")
    assert page.evaluate(paper) == light


def test_what_is_folded_is_printed(page: Any):
    assert page.locator("details:not([open])").count() > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_what_was_planted_and_found_is_counted_and_shown(opened: Opened, page: Any):
    planted = files.read_json(opened.folder / paths.metrics("download", "phantom"))["planted"]
    rows = csv.DictReader(io.StringIO(page.evaluate("csvOf(document.getElementById('phantom-planted'))")))
    near = next(row for row in rows if row["Fault"] == KINDS["near"])
    assert (near["Planted"], near["Found"], near["False alarms"]) == (str(len(planted)), "1", "1")
    section = page.locator("#phantom-problems")
    shown = [text.replace("\n", "") for text in section.locator(".set code").all_inner_texts()]
    assert {planted[0]["path"], planted[0]["of"]} <= set(shown)
    assert planted[1]["path"] not in shown
    widths = section.locator(".set img").evaluate_all("pictures => pictures.map((picture) => picture.naturalWidth)")
    assert len(widths) == len(shown) and all(widths)


def test_explanations_say_how_far_they_can_be_trusted(opened: Opened, page: Any):
    said = files.read_json(opened.folder / paths.metrics("explain", "phantom"))
    cells = page.locator("#phantom-maps tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.querySelectorAll('data')].map((datum) => Number(datum.value)))"
    )
    occlusion = said["methods"]["occlusion"]
    assert cells[0][-3:] == [occlusion["inside"], said["body"], occlusion["shuffled"]]
    pictures = page.locator("#phantom-galleries li")
    assert pictures.count() == sum(len(items) for items in said["images"].values())
    item = said["images"]["errors"][0]
    shown = pictures.first.locator("data").evaluate_all("data => data.map((datum) => Number(datum.value))")
    assert {item["probability"], item["maps"]["occlusion"]["inside"]} <= set(shown)
    pictures.first.get_by_role("link").click()
    assert page.get_by_role("dialog").locator("[data-show=path]").inner_text()
    assert page.get_by_role("dialog").locator("figure:visible img").count() == 2


def test_headings_of_confusion_are_whole_words_on_a_phone(opened: Opened, page: Any):
    page.set_viewport_size({"width": 390, "height": 800})
    parts = (
        page.locator("#phantom-curves .confusion")
        .first.locator("thead th")
        .evaluate_all(
            """heads => heads.flatMap((head) => [...head.childNodes].filter((node) => node.data?.trim()).map((node) => {
          const range = document.createRange();
          range.selectNodeContents(node);
          return [node.data, new Set([...range.getClientRects()].map(({ top }) => top)).size];
        }))"""
        )
    )
    assert [text for text, _ in parts] == ["True class", "healthy", "nodule", "spiculated", "ground_", "glass"]
    assert all(lines <= 1 + text.count(" ") for text, lines in parts)
    right = "table => table.getBoundingClientRect().right"
    assert page.locator("#phantom-curves .confusion").first.evaluate(right) <= 390


def test_keys_walk_through_the_page_in_the_order_of_the_eye(page: Any):
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    stops = page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, select, input, summary, [tabindex]")]
          .filter((stop) => stop.tabIndex > 0).map((stop) => stop.outerHTML)"""
    )
    assert stops == [], "none jumps the queue"
    stops = []
    page.locator("#phantom-title").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate("(({left, top}) => [left, top + scrollY])(document.activeElement.getBoundingClientRect())")
        )
    # Down the page, or on to the next column.
    assert all(top >= before - 30 or left > beside for (beside, before), (left, top) in pairwise(stops))
