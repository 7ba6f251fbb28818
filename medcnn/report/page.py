"""The report page: facts and figures poured into one HTML file that asks nothing of the network."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from medcnn.report.facts import Facts
from medcnn.report.figures import Drawing
from medcnn.reproduction.published import decimals

SHEET_SIZE = (1000, 1400)
ENGINES = {"tensorflow": "TensorFlow", "onnxruntime": "ONNX Runtime"}
UNDEFINED = Markup('<abbr title="not defined">&ndash;</abbr>')
_BYTES = ("bytes", "kB", "MB", "GB")
_TIMES = ("", "k", "M", "G")


@dataclass(frozen=True)
class Chapter:
    """One study on the page: its facts and its figures."""

    facts: Facts
    learning: tuple[Drawing, ...]
    confusions: tuple[Drawing, ...]
    rocs: tuple[Drawing, ...]

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """All figures of the study."""
        return (*self.learning, *self.confusions, *self.rocs)


def render(chapters: Sequence[Chapter], seed: int) -> str:
    """The whole page as HTML; every number in it is a number of the facts."""
    environment = Environment(
        loader=PackageLoader("medcnn.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for shown in (
        number,
        as_published,
        signed,
        percent,
        count,
        size,
        times,
        timings,
        batch_sizes,
        svg_uri,
        picture_uri,
    ):
        environment.filters[shown.__name__] = shown
    return environment.get_template("page.html.j2").render(chapters=chapters, seed=seed)


def number(value: float | None, digits: int = 3) -> Markup:
    """A figure, with its exact value for machines; a dash where it is not defined."""
    if value is None:
        return UNDEFINED
    return Markup('<data value="{}">{}</data>').format(value, f"{value:.{digits}f}")


def as_published(value: float | None) -> Markup:
    """A published figure with the decimals that were published."""
    return number(value, 0 if value is None else decimals(value))


def signed(value: float | None, digits: int = 3) -> Markup:
    """A difference, always with its sign, and its exact value for machines."""
    if value is None:
        return UNDEFINED
    return Markup('<data value="{}">{}</data>').format(value, f"{value:+.{digits}f}")


def percent(value: float | None) -> Markup:
    """A share as a percentage, with its exact value for machines."""
    if value is None:
        return UNDEFINED
    return Markup('<data value="{}">{} %</data>').format(value, f"{100 * value:.1f}")


def count(value: int) -> str:
    """A whole number with thousands set apart."""
    return f"{value:,}"


def size(value: int) -> str:
    """A number of bytes in a unit that fits."""
    return _scaled(value, _BYTES)


def times(value: int | None) -> str:
    """How often something is done, in thousands, millions or milliards (G)."""
    return UNDEFINED if value is None else _scaled(value, _TIMES).strip()


def _scaled(value: int, units: Sequence[str]) -> str:
    amount, unit = float(value), 0
    while amount >= 1000 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.3g} {units[unit]}"


def batch_sizes(benchmark: Mapping[str, Any]) -> tuple[int, int]:
    """The smallest batch timed, for latency, and the largest, for throughput."""
    sizes = [int(text) for by_size in benchmark["latency"].values() for text in by_size]
    return min(sizes), max(sizes)


def timings(benchmark: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A line an engine, the baseline first: latency at the smallest batch, throughput at the largest."""
    smallest, largest = map(str, batch_sizes(benchmark))
    for engine in sorted(benchmark["latency"], key=lambda name: name in benchmark["speedup"]):
        by_size = benchmark["latency"][engine]
        yield {
            "engine": ENGINES.get(engine, engine),
            **by_size[smallest],
            "images_per_second": by_size[largest]["images_per_second"],
            "speedup": benchmark["speedup"].get(engine, {}).get(smallest),
        }


def svg_uri(svg: str) -> str:
    """An SVG as the source of an image; apart from the page, so that the names inside it clash with no other's."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def picture_uri(path: Path) -> str:
    """A picture as the source of an image: scaled down to ``SHEET_SIZE``, as JPEG, to keep the page light."""
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        small = picture.convert("RGB")
        small.thumbnail(SHEET_SIZE)
        small.save(buffer, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
