"""What the tests of pages in a real browser share: where Chromium is, and whether its texts can be read."""

from __future__ import annotations

import re
import shutil
from typing import Any

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None
)
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)
TEXT_CONTRAST, LARGE_TEXT_CONTRAST = 4.5, 3.0
"""What WCAG 2.2 asks of level AA, success criterion 1.4.3; large text has 24 px, or 18.66 px in bold."""
TEXTS = """() => {
  const layers = (element) => {
    const found = [];
    for (let node = element; node; node = node.parentElement) found.push(getComputedStyle(node).backgroundColor);
    return found;
  };
  const written = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && written(element) && !element.closest("script, option, title"))
    .map((element) => {
      const style = getComputedStyle(element);
      const color = element instanceof SVGElement ? style.fill : style.color;
      const [size, weight] = [parseFloat(style.fontSize), Number(style.fontWeight)];
      return { text: element.textContent.trim().slice(0, 40), color, layers: layers(element), size, weight };
    });
}"""


def unreadable(written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the texts that ``TEXTS`` found, those with too little contrast."""
    return [text for text in written if _contrast(text) < _needed(text)]


def _needed(text: dict[str, Any]) -> float:
    large = text["size"] >= 24 or (text["size"] >= 18.66 and text["weight"] >= 700)
    return LARGE_TEXT_CONTRAST if large else TEXT_CONTRAST


def _contrast(text: dict[str, Any]) -> float:
    """The contrast ratio of WCAG 2.2, of a text on all that lies below it."""
    below = (255.0, 255.0, 255.0)
    for layer in reversed(text["layers"]):
        below = _over(_rgba(layer), below)
    light, dark = sorted((_luminance(_over(_rgba(text["color"]), below)), _luminance(below)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _rgba(colour: str) -> tuple[float, ...]:
    numbers = [float(number) for number in re.findall(r"[\d.]+(?:e-?\d+)?", colour)]
    if colour.startswith("color(srgb"):
        numbers[:3] = [255 * number for number in numbers[:3]]
    return (*numbers, 1.0) if len(numbers) == 3 else tuple(numbers)


def _over(colour: tuple[float, ...], below: tuple[float, ...]) -> tuple[float, ...]:
    *channels, alpha = colour
    return tuple(alpha * channel + (1 - alpha) * under for channel, under in zip(channels, below, strict=True))


def _luminance(colour: tuple[float, ...]) -> float:
    shares = [channel / 255 for channel in colour]
    red, green, blue = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
