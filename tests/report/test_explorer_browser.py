"""The test images in a real browser: filtered, opened, stepped through, and found again by their address."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset import manifest, predictions
from medcnn.runtime import paths
from tests.browser import CHROMIUM, TEXTS, unreadable
from tests.report.conftest import Opened

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def shown(page: Any, study: str = "phantom") -> list[str]:
    links = page.locator(f"#{study}-images .thumbs li:visible a")
    return links.evaluate_all("links => links.map(link => link.hash.split('image=')[1])")


def shown_at_last(page: Any, wanted: set[str], study: str = "phantom") -> set[str]:
    """What is shown once it is what is wanted, or after ten seconds: a link sets its filters after the click."""
    for _ in range(200):
        if (found := set(shown(page, study))) == wanted:
            break
        page.wait_for_timeout(50)
    return found


def best(opened: Opened, study: str = "phantom") -> str:
    return files.read_json(opened.folder / paths.metrics("comparisons", study))["best"]


def predicted(opened: Opened, model: str, study: str = "phantom") -> predictions.Predictions:
    return predictions.read(opened.folder / paths.predicted(study, model)).of("test")


@pytest.mark.parametrize("study", ["phantom", "brain_mri"])
def test_a_cell_of_confusion_leads_to_its_images(opened: Opened, page: Any, study: str):
    page.goto(f"{opened.url}#{study}")
    table = predicted(opened, best(opened, study), study)
    said = table.probabilities.argmax(axis=1)
    matrix = page.locator(f"#{study}-curves table.confusion").first
    cells = matrix.locator("tbody td")
    for place, count in enumerate(int(text) for text in cells.all_inner_texts()):
        true, answer = divmod(place, len(table.classes))
        assert count == int(((table.labels == true) & (said == answer)).sum())
        if count:
            cells.nth(place).get_by_role("link").click()
            wanted = set(table.image_ids[(table.labels == true) & (said == answer)])
            assert shown_at_last(page, wanted, study) == wanted
            assert page.locator(f"#{study}-images form output").inner_text().startswith(f"{count} of {len(table)}")


def test_filters_join_and_the_address_brings_them_back(opened: Opened, page: Any):
    table = predicted(opened, "lite0")
    images = page.locator("#phantom-images")
    images.get_by_label("Answers of").select_option("lite0")
    images.get_by_label("Right or wrong").select_option("right")
    images.get_by_label("True class").select_option(table.classes[1])
    wanted = (table.labels == 1) & (table.probabilities.argmax(axis=1) == 1)
    assert set(shown(page)) == set(table.image_ids[wanted])
    calibrated = page.evaluate(
        "Object.fromEntries((data => data.images.map((image, index) => "
        "[image.id, Math.max(...data.models.lite0.probabilities[index])]))"
        "(JSON.parse(document.getElementById('phantom-images-data').textContent)))"
    )
    half = float(np.median([calibrated[image] for image in table.image_ids[wanted]]))
    images.get_by_label("≥").fill(f"{100 * half:.2f}")
    found = shown(page)
    assert set(found) == {image for image in table.image_ids[wanted] if 100 * calibrated[image] >= round(100 * half, 2)}
    tab = page.context.new_page()
    tab.goto(page.url)
    assert shown(tab) == found
    assert tab.locator("#phantom-images").get_by_label("Answers of").input_value() == "lite0"
    tab.goto(f"{opened.url}#phantom-images?model=gone&truth=nobody&low=x&image=none")
    everything = set(table.image_ids)
    assert shown_at_last(tab, everything) == everything, "what an address asks for in vain is left out"
    tab.close()


def test_an_image_opens_large_and_keys_lead_on(opened: Opened, page: Any):
    errors = shown(page)
    table = predicted(opened, best(opened))
    assert set(errors) == set(table.image_ids[table.probabilities.argmax(axis=1) != table.labels])
    link = page.locator("#phantom-images .thumbs li:visible a").first
    link.focus()
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog")
    rows = manifest.read(opened.folder / paths.manifest("phantom")).set_index("image_id")

    def is_open_at(image: str) -> bool:
        said = viewer.locator("[data-show=path]").inner_text() == rows.loc[image, "path"]
        return said and page.url.endswith(f"image={image}")

    assert is_open_at(errors[0])
    for step, key in ((1, "ArrowRight"), (0, "ArrowLeft"), (-1, "ArrowLeft"), (0, "ArrowRight")):
        page.keyboard.press(key)
        assert is_open_at(errors[step])
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement.closest('dialog') !== null || document.activeElement === document.body"
        )
    lines = viewer.locator("tbody tr")
    assert lines.locator("th").first.inner_text() == best(opened)
    row = list(table.image_ids).index(errors[0])
    assert lines.first.locator("td").first.inner_text() == table.classes[table.probabilities[row].argmax()]
    assert lines.count() == len(opened.studies["phantom"].models)
    page.keyboard.press("Escape")
    assert viewer.count() == 0
    assert "image=" not in page.url
    assert page.evaluate("document.activeElement.hash").endswith(errors[0])


def test_a_link_opens_the_image_and_back_closes_it(opened: Opened, page: Any):
    image = shown(page)[-1]
    page.goto(f"{opened.url}#phantom-images?right=wrong&image={image}")
    assert page.get_by_role("dialog").locator("output").inner_text() == f"{len(shown(page))} of {len(shown(page))}"
    page.get_by_role("button", name="Close").click()
    page.locator("#phantom-images .thumbs li:visible a").first.click()
    assert page.get_by_role("dialog").count() == 1
    page.go_back()
    page.get_by_role("dialog").wait_for(state="hidden")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_an_open_image_fits_and_can_be_read(opened: Opened, width: int, scheme: str):
    context = opened.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(opened.url)
    tab.locator("#phantom-images .thumbs li:visible a").first.click()
    assert tab.evaluate("document.querySelector('dialog[open]').scrollWidth") <= width
    assert unreadable(tab.evaluate(TEXTS)) == []
    context.close()


def test_without_a_script_the_errors_are_a_plain_grid(opened: Opened):
    context = opened.browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(opened.url)
    for study in opened.studies:
        table = predicted(opened, best(opened, study), study)
        wrong = int((table.probabilities.argmax(axis=1) != table.labels).sum())
        assert tab.locator(f"#{study}-images .thumbs li:visible").count() == wrong
        assert tab.locator(f"#{study}-images form:visible").count() == 0
        assert tab.locator(f"#{study}-images .thumbs li:visible", has_text=re.compile(", read as ")).count() == wrong
    context.close()


def test_every_filter_is_kept_by_the_address(opened: Opened, page: Any):
    values = {"model": "simple", "right": "right", "truth": "nodule", "said": "healthy", "low": "35", "high": "65"}
    for name, value in values.items():
        page.goto(f"{opened.url}#phantom-images?right=any")
        every = shown_at_last(page, set(predicted(opened, "simple").image_ids))
        control = page.locator(f"#phantom-images form [name={name}]")
        control.fill(value) if name in ("low", "high") else control.select_option(value)
        found = shown(page)
        assert f"{name}={value}" in page.url
        assert set(found) < set(every) or name == "model"
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        assert (control.input_value(), shown(page)) == (value, found), name
