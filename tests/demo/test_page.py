"""The page that tries a model, in a real browser: served by the real server, with the real onnxruntime-web."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import pack
from medcnn.demo import gathering, serving, vendoring
from medcnn.inference import novelty, sessions
from medcnn.inference.card import Card
from medcnn.params import whole
from medcnn.predict import inputs
from medcnn.reading import decode
from medcnn.report import trying
from medcnn.runtime import paths
from tests.axe import violations
from tests.browser import ARGUMENTS, CHROMIUM, TEXTS, unreadable
from tests.conftest import encoded, picture, zipped
from tests.demo.models import CLASSES, Exports
from tests.project import SIZE, prepared_study, shrink
from tests.results.examples import compared

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
MODELS = ("simple_deep_cascade", "simple")
TURNED = 6
"""EXIF: turned by 90 degrees."""
RESIZED = """async ([content, size, fit]) => {
  const [{ decoded }, { resized }] = await Promise.all([import("/demo/decode.js"), import("/demo/resize.js")]);
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const image = await decoded(new Blob([bytes]), "image");
  return btoa(String.fromCharCode(...resized(image, size, fit)));
}"""
DROPPED = """([kind, content, name]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  if (name) data.items.add(new File([bytes], name));
  const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
  document.body.dispatchEvent(event);
}"""


@dataclass(frozen=True)
class Served:
    """A browser, the folder of a project with two studies, and the address that its page is served at."""

    browser: Any
    folder: Path
    address: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("demo")
    shrink(folder, {"run.studies": ["phantom", "brain_mri"]})
    for study, fit in (("phantom", "pad"), ("brain_mri", "crop")):
        _study(folder, study, fit)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        try:
            vendoring.RUNTIME.fetch()
        except MedcnnError as error:
            pytest.skip(str(error))
        gathering.gather(whole.load())
        files.write_text(paths.TRY, trying.render())
    with serving.serving(folder / "plots", 0) as server, playwright.sync_playwright() as driver:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield Served(browser, folder, f"http://127.0.0.1:{server.server_port}")
        browser.close()
        server.shutdown()


def _study(folder: Path, study: str, fit: str) -> None:
    prepared_study(folder, study, CLASSES)
    images = pack.images(folder / paths.prepared(study))[:]
    exports = Exports(study, images, fit)
    exports.write(folder / paths.onnx_model(study, "simple"), "simple")
    exports.write_branched(folder / paths.onnx_model(study, MODELS[0]), MODELS[0])
    files.write_json(folder / paths.metrics("comparisons", study), compared(MODELS[0], ranking=["simple", MODELS[0]]))
    (folder / paths.raw(study)).mkdir(parents=True)
    members = {f"{study}/{index}.png": encoded(Image.fromarray(image)) for index, image in enumerate(images)}
    zipped(folder / paths.raw(study) / "images.zip", members)


@pytest.fixture
def page(served: Served) -> Iterator[Any]:
    """The page, ready; a request to any other host, or anything that the browser complains about, fails the test."""
    context = served.browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
    tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    own = (f"{served.address}/", "data:")
    context.on("request", lambda asked: None if asked.url.startswith(own) else complaints.append(asked.url))
    tab.goto(served.address)
    tab.locator("#trial").wait_for()
    yield tab
    context.close()
    assert complaints == []


def ask(page: Any, content: bytes, name: str = "scan.png") -> None:
    """Choose a file, and wait for what the page says of it."""
    page.evaluate("document.getElementById('source').textContent = ''; document.getElementById('fault').hidden = true")
    page.set_input_files("#image", {"name": name, "mimeType": "", "buffer": content})
    page.locator("#fault:not([hidden]), #source:not(:empty)").first.wait_for()


def answered(page: Any) -> dict[str, float]:
    """The probabilities on the page by class, in its order."""
    rows = page.locator(".chances tbody tr").evaluate_all(
        "rows => rows.map(row => [row.cells[0].textContent, Number(row.querySelector('data').value)])"
    )
    return dict(rows)


def pictures() -> list[bytes]:
    """Ten images as they come: bright and dark, grey and coloured, larger and smaller than the model's."""
    sizes = ((48, 40), (32, 32), (200, 31), (31, 200), (20, 17))
    soft = [encoded(picture(seed, size)) for seed, size in enumerate(sizes)]
    dark = [
        encoded(Image.eval(picture(seed, size, "RGB"), lambda value: value // 3)) for seed, size in enumerate(sizes)
    ]
    return soft + dark


@pytest.mark.parametrize(("model", "precision"), [(MODELS[0], "float32"), ("simple", "float32"), ("simple", "int8")])
def test_ten_images_are_classified_as_onnx_runtime_does(served: Served, page: Any, model: str, precision: str):
    page.get_by_role("combobox", name="Model").select_option(model)
    page.locator(f"[name=precision][value={precision}]").check()
    path = gathering.EXPORTED[precision]("phantom", model)
    session = sessions.load(served.folder / path)
    card = Card.read(session.get_modelmeta().custom_metadata_map)
    for content in pictures():
        ask(page, content)
        image = decode.pixels(content, SIZE, "pad")[None]
        expected = sessions.probabilities(session, image.astype(np.float32))[0]
        found = answered(page)
        assert tuple(found) == CLASSES
        assert np.abs(np.array(list(found.values())) - expected).max() < 1e-3
        assert page.locator("#called").inner_text() == CLASSES[expected.argmax()]
        inside = page.locator(".chances td.text").all_inner_texts()
        assert inside == ["yes" if 1 - chance <= card.conformal_threshold else "no" for chance in found.values()]
        assert page.locator("#unlike").is_visible() == card.novelty.unlike(image)[0]


def test_both_ways_through_a_branch_are_taken(served: Served):
    """Else the test above would say nothing of cascades."""
    bright = [decode.pixels(content, SIZE, "pad").mean() > 110 for content in pictures()]
    assert 0 < sum(bright) < len(bright)


def test_the_score_of_novelty_is_that_of_python(served: Served, page: Any):
    images = np.stack([decode.pixels(content, 33, "stretch") for content in pictures()])
    found = novelty.fitted(images[:6], images)
    scores = page.evaluate(
        """async ([images, novelty]) => {
          const { strangeness } = await import("/demo/novelty.js");
          return images.map((image) => strangeness(Uint8Array.from(image), 33, JSON.parse(novelty)));
        }""",
        [[image.ravel().tolist() for image in images], found.to_json()],
    )
    np.testing.assert_allclose(scores, found.scores(images), rtol=1e-5)


def kinds() -> dict[str, bytes]:
    """Images of every kind that Pillow and browsers share, where their pixels are exactly defined."""
    noise = np.random.default_rng(0).integers(0, 256, (37, 53, 4), np.uint8)
    colours, clear = Image.fromarray(noise[..., :3]), Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0112] = TURNED
    return {
        "grey": encoded(Image.fromarray(noise[..., 0])),
        "colour": encoded(colours),
        "transparent": encoded(clear),
        "grey and alpha": encoded(clear.convert("LA")),
        "palette": encoded(colours.quantize(200)),
        "transparent palette": encoded(colours.quantize(20), transparency=3),
        "1 bit": encoded(colours.convert("1")),
        "turned": encoded(colours, exif=exif),
        "bmp": encoded(colours, "BMP"),
        "gif": encoded(colours.quantize(50), "GIF"),
        "webp": encoded(clear, "WEBP", lossless=True, exact=True),
        "tall": encoded(picture(1, (31, 301), "RGB")),
        "wide": encoded(picture(2, (640, 97), "RGB")),
        "gamma": _with_gamma(encoded(colours)),
    }


def _with_gamma(content: bytes) -> bytes:
    """A PNG that asks for another gamma, which Pillow does not heed."""
    start = content.index(b"IDAT") - 4
    chunk = bytes.fromhex("00000004 67414d41 000186a0 31e8965f")
    return content[:start] + chunk + content[start:]


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_pixels_are_those_of_pillow(page: Any, fit: decode.Fit):
    for kind, content in kinds().items():
        for size in (16, 33, 64, 112):
            packed = page.evaluate(RESIZED, [base64.b64encode(content).decode(), size, fit])
            found = np.frombuffer(base64.b64decode(packed), np.uint8).reshape(size, size, 3)
            expected = decode.pixels(content, size, fit)
            assert (found == expected).all(), f"{kind} at {size}"


def test_what_it_cannot_read_is_one_plain_line(page: Any):
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000)
    elsewhere = "only python -m medcnn predict reads"
    for content, told in {
        b"": "scan.png is empty",
        b"hello": "scan.png is not an image",
        encoded(deep): f"scan.png has 16 bits a channel, which {elsewhere}",
        encoded(picture(1), "TIFF"): f"scan.png is a TIFF image, which {elsewhere}",
        bytes(128) + b"DICM": f"scan.png is a DICOM file, which {elsewhere}",
        encoded(picture(1))[:200]: "scan.png is damaged, or no image that this browser reads",
        _claiming(encoded(picture(1)), 30_000): f"scan.png has 30000 x 30000 pixels, more than {decode.PIXELS} in all",
        encoded(picture(1, (2000, 1))): "scan.png is too narrow: 2000 x 1 pixels",
    }.items():
        ask(page, content)
        assert page.get_by_role("alert").inner_text() == told
        assert page.locator("#result").is_hidden()


def _claiming(png: bytes, side: int) -> bytes:
    return png[:16] + side.to_bytes(4, "big") * 2 + png[24:]


def test_a_file_larger_than_the_limit_is_not_read(page: Any, tmp_path: Path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(inputs.LIMIT + 1)
    page.set_input_files("#image", path)
    assert page.get_by_role("alert").inner_text() == f"large.png is larger than {inputs.LIMIT >> 20} MiB"


def test_a_missing_model_is_one_plain_line(served: Served):
    path = served.folder / paths.DEMO / "models" / "phantom" / MODELS[0] / "model.onnx"
    content = path.read_bytes()
    path.unlink()
    tab = served.browser.new_page()
    tab.goto(served.address)
    ask(tab, pictures()[0])
    assert f"{MODELS[0]}/model.onnx is missing" in tab.get_by_role("alert").inner_text()
    path.write_bytes(content)
    ask(tab, pictures()[0])
    assert tab.locator("#result").is_visible()
    tab.close()


def test_an_image_is_dropped_pasted_or_taken_from_the_samples(served: Served, page: Any):
    for kind, name in (("drop", "dropped.png"), ("paste", "pasted.png")):
        page.evaluate(DROPPED, [kind, base64.b64encode(pictures()[0]).decode(), name])
        page.locator("#source", has_text=name).wait_for()
    page.evaluate(DROPPED, ["drop", "", ""])
    assert page.get_by_role("alert").inner_text().startswith("That is not an image file")
    samples = page.locator("#samples").get_by_role("button")
    assert samples.all_inner_texts() == [f"Image {number}" for number in range(1, samples.count() + 1)]
    samples.first.press("Enter")
    page.locator("#classes button").first.press("Enter")
    page.locator("#source", has_text="Test image 1").wait_for()
    assert page.locator("#samples [aria-pressed=true]").count() == 1


def test_the_truth_follows_a_guess_and_both_are_scored(served: Served, page: Any):
    index = files.read_json(served.folder / paths.DEMO / serving.INDEX)
    samples = index["studies"][0]["samples"]
    model = []
    for number, sample in enumerate(samples):
        page.locator("#samples").get_by_role("button", name=f"Image {number + 1}", exact=True).click()
        page.locator("#guess").wait_for()
        assert sorted(page.locator("#classes button").all_inner_texts()) == sorted(CLASSES)
        # Always the same answer, right for the images of one class.
        page.locator("#classes").get_by_role("button", name=CLASSES[2]).click()
        page.locator("#source", has_text=f"Test image {number + 1}").wait_for()
        model.append(page.locator("#called").inner_text() == sample["label"])
    score = page.locator("#verdict").inner_text()
    mine = sum(sample["label"] == CLASSES[2] for sample in samples)
    assert f"You {mine} of {len(samples)}, the model {sum(model)} of {len(samples)}" in score
    ask(page, pictures()[0])
    assert page.locator("#verdict").is_hidden()


def test_the_chosen_model_comes_first_and_only_synthetic_images_are_shown(served: Served, page: Any):
    assert page.get_by_role("combobox", name="Model").locator("option").all_inner_texts() == [
        f"{MODELS[0]} (chosen)",
        "simple",
    ]
    assert page.locator("[name=precision][value=int8]").is_disabled()
    page.get_by_role("combobox", name="Study").select_option("brain_mri")
    assert page.locator("#samples").is_hidden()
    assert not (served.folder / paths.DEMO / "samples" / "brain_mri").exists()


def test_another_model_answers_the_same_image_anew(page: Any):
    ask(page, pictures()[0])
    before = answered(page)
    page.get_by_role("combobox", name="Model").select_option("simple")
    page.locator("#times", has_text=" simple, float32").wait_for()
    assert answered(page) != before


def test_no_script_may_reach_another_host(served: Served):
    """Nor may one in a worker, which knows nothing of the policy in the page."""
    reach = """(address) => new Promise((done) => {
      const says = (event) => done(`${event.effectiveDirective}: ${event.blockedURI}`);
      globalThis.addEventListener("securitypolicyviolation", says);
      fetch(address, { mode: "no-cors" }).then(() => done("reached"), () => {});
    })"""
    files.write_text(
        served.folder / "plots" / "worker.js", f"onmessage = async ({{ data }}) => postMessage(await ({reach})(data));"
    )
    asked = """(address) => new Promise((done) => {
      const worker = new Worker("/worker.js");
      worker.onmessage = ({ data }) => done(data);
      worker.postMessage(address);
    })"""
    with serving.serving(served.folder, 0) as other:
        there = f"http://127.0.0.1:{other.server_port}/"
        tab = served.browser.new_page()
        tab.goto(served.address)
        assert [tab.evaluate(script, there) for script in (reach, asked)] == [f"connect-src: {there}"] * 2
        tab.close()


def test_opened_as_a_file_or_without_a_demo_it_says_what_to_type(served: Served, tmp_path: Path):
    files.write_text(tmp_path / paths.TRY, trying.render())
    with serving.serving(tmp_path / "plots", 0) as bare:
        threading.Thread(target=bare.serve_forever, daemon=True).start()
        for address in ((served.folder / paths.TRY).as_uri(), f"http://127.0.0.1:{bare.server_port}"):
            tab = served.browser.new_page()
            tab.goto(address)
            tab.locator("#needed").get_by_text("python -m medcnn demo").wait_for()
            assert tab.locator("#trial").is_hidden()
            tab.close()
        bare.shutdown()


def test_keys_alone_reach_everything(page: Any):
    ask(page, pictures()[0])
    reached = []
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement !== document.body"):
        here = page.evaluate("document.activeElement.id || document.activeElement.textContent")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid" or here == "image"
        reached.append(here)
        page.keyboard.press("Tab")
    assert {"image", "study", "model", "Report", "Image 1", "Image 6"} <= set(reached)
    named = "(element) => element.getAttribute('aria-label') || element.labels?.length || element.textContent.trim()"
    controls = page.locator("a, button, select, input, canvas")
    unnamed = controls.evaluate_all(f"all => all.filter((element) => !({named})(element)).map((one) => one.outerHTML)")
    assert unnamed == []
    assert page.get_by_role("status").inner_text().startswith(page.locator("#called").inner_text())
    identities = page.locator("[id]").evaluate_all("all => all.map((element) => element.id)")
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(served: Served, width: int, scheme: str):
    context = served.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(served.address)
    tab.locator("#trial").wait_for()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for content in (b"no image", encoded(Image.fromarray(noise))):
        ask(tab, content)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert unreadable(tab.evaluate(TEXTS)) == []
    assert tab.locator("#unlike").is_visible()
    assert violations(tab) == []
    _until(lambda: tab.evaluate("document.querySelector('#result').getBoundingClientRect().top < innerHeight"), tab)
    with Image.open(io.BytesIO(tab.screenshot())) as shot:
        paper = max(shot.convert("RGB").getcolors(maxcolors=1 << 20))[1]
    assert (sum(paper) > 3 * 200) == (scheme == "light")
    context.close()


def _until(holds: Callable[[], bool], tab: Any) -> None:
    """Wait for what scrolls or fades. The page's own policy forbids `wait_for_function`, which evaluates text in it."""
    for _ in range(100):
        if holds():
            return
        tab.wait_for_timeout(50)
    raise AssertionError("it did not come to be within five seconds")
