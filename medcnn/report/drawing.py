"""How the report draws: SVG whose bytes depend on the data alone, and whose colours follow light or dark mode."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

INK, MUTED, GRID = "#1d2730", "#5b6770", "#dfe4e8"
_SERIES = {
    "#1d5fbf": "#6cabff",
    "#b8500c": "#f0995a",
    "#177245": "#57c78a",
    "#7a45c4": "#b794f6",
    "#b3273d": "#ff8591",
    "#4f5b66": "#a7b2bc",
    "#8a6500": "#d9b44a",
    "#0b7285": "#4fc3d4",
    "#ad3587": "#f08cc8",
}
SERIES = tuple(_SERIES)
_SHADES = {INK: "#e4e8ec", MUTED: "#9ba6b0", GRID: "#2c353d", **_SERIES}
"""Every colour that is drawn with, and its counterpart in dark mode."""
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "medcnn",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.bottom": False,
    "ytick.left": False,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.4,
    "text.parse_math": False,
    "lines.solid_capstyle": "round",
}
_COORDINATE = re.compile(r"-?\d+\.\d{3,}")
_UNREAD = (
    r"<!--.*?-->",
    r"<metadata>.*?</metadata>",
    r" font-family:[^;]*;",
    r' id="(?!m|p|c)[^"]*"',
    r' transform="rotate\(-0 [^"]*"(?=>)',
)
"""Comments, fonts that the style sheet overrules, names that nothing refers to, and turns by nothing."""


@dataclass(frozen=True)
class Drawing:
    """A figure: the name of its file, the model or class it shows, the SVG, and the same in words."""

    name: str
    title: str
    svg: str
    alt: str


def drawn(inches: tuple[float, float], draw: Callable[[Figure], None]) -> str:
    """The SVG of a figure of this size."""
    # Nothing of a matplotlibrc on this machine may enter the figure's bytes.
    with style.context(["default", _STYLE], after_reset=True):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure)
        buffer = io.StringIO()
        metadata: dict[str, Any] = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return _with_modes(_lean(buffer.getvalue()))


def _lean(svg: str) -> str:
    """Leave out what no reader sees, and fractions of a hundredth of a point: half of the bytes."""
    rounded = _COORDINATE.sub(
        lambda match: f"{float(match.group()):.2f}", re.sub("|".join(_UNREAD), "", svg, flags=re.DOTALL)
    )
    return re.sub(r"\s*\n\s*", "\n", rounded[rounded.index("<svg") :])


def _with_modes(svg: str) -> str:
    """Make each colour a CSS variable: itself by default, its counterpart where the reader prefers dark."""
    variables = {light: f"--c{index}" for index, light in enumerate(_SHADES)}
    for light, name in variables.items():
        svg = svg.replace(light, f"var({name}, {light})")
    dark = "".join(f"{variables[light]}:{shade};" for light, shade in _SHADES.items())
    sheet = (
        "<style>text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif!important}"
        f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    )
    return re.sub(r"(<svg[^>]*>)", lambda match: match.group(1) + sheet, svg, count=1)
