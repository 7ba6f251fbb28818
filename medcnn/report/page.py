"""The report page: facts and figures poured into one HTML file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from jinja2 import Environment
from markupsafe import Markup

from medcnn.params.judging.figures import BY_KEY, CALIBRATED, FIGURES, SCORED, TESTED
from medcnn.report import (
    aims,
    axes,
    checks,
    figures,
    growth,
    pairs,
    pictures,
    problems,
    provenance,
    shown,
    speed_figures,
    suspected,
    templating,
    tradeoff,
)
from medcnn.report.baseline import FEWEST_GROUPS, baseline
from medcnn.report.check import Check
from medcnn.report.drawing import Drawing
from medcnn.report.explorer import outcomes
from medcnn.report.facts import Facts
from medcnn.report.luck import luck
from medcnn.report.settings import Settings
from medcnn.report.speeds import Speeds, engine
from medcnn.report.terms import terms
from medcnn.results.evaluated import Crossval
from medcnn.results.networks import Explained
from medcnn.runtime import paths

LIMIT = 5 * 2**20
"""Bytes: a page that is sent by mail, and opens at once on a phone."""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1d5fbf"/>'
    '<path d="M3 10h10M5 7v6M11 8.5v3" stroke="#fff" stroke-width="1.5"/><circle cx="8" cy="10" r="2" fill="#fff"/>'
    "</svg>"
)
"""A figure with its interval."""
SCRIPTS = (
    "address", "tables", "terms", "tools", "studies", "pairs", "tradeoff", "explorer", "contents", "theme", "printing",
)  # fmt: skip
"""What makes the page answer, in the order in which it runs."""


@dataclass(frozen=True)
class Section:
    """A section of a study: the key of its template and address, its heading, and whether there is anything in it."""

    key: str
    title: str
    has: Callable[[Facts], object]


SECTIONS = (
    Section("careless", "What a careless split would have said", lambda facts: facts.claims),
    Section("data", "The data, and problems found", lambda facts: True),
    Section("problems", "Copies, contradictions, unreadable files", lambda facts: facts.problems),
    Section("suspects", "Labels to look at again", lambda facts: facts.suspects),
    Section("ranking", "The models compared", lambda facts: True),
    Section("mistakes", "Errors by patient", lambda facts: facts.mistakes),
    Section("images", "The test images", lambda facts: facts.explorer),
    Section("external", "Tested on other studies", lambda facts: facts.external),
    Section("tradeoff", "The trade-off of errors", lambda facts: facts.errors),
    Section("consequences", "What acting on it is worth", lambda facts: facts.evaluated[facts.best].consequences),
    Section("calibration", "Can the probabilities be believed?", lambda facts: True),
    Section("galleries", "Where the model looks", lambda facts: shown_gallery(facts)),
    Section("subgroups", "Subgroups", lambda facts: facts.evaluated[facts.best].subgroups),
    Section("membership", "Does it give its patients away?", lambda facts: facts.evaluated[facts.best].membership),
    Section("stress", "Degraded images", lambda facts: facts.stressed),
    Section("crossval", "Cross-validation", lambda facts: crossvalidated(facts)),
    Section("growth", "Would more data help?", lambda facts: facts.curves),
    Section("combined", "Models combined", lambda facts: facts.combined.combiners or facts.combined.cascades),
    Section("curves", "Confusion and ROC", lambda facts: facts.confusions or facts.rocs),
    Section("learning", "Learning curves", lambda facts: facts.histories),
    Section("published", "As published, and as measured here", lambda facts: facts.published),
    Section("latency", "Latency and export", lambda facts: True),
    Section("methods", "How the figures were made", lambda facts: True),
    Section("reproduce", "How to reproduce this page", lambda facts: True),
)


@dataclass(frozen=True)
class Chapter:
    """One study on the page."""

    facts: Facts

    @cached_property
    def drawings(self) -> tuple[Drawing, ...]:
        """The figures of the study that are kept as files too."""
        return figures.all_of(self.facts)

    @property
    def latencies(self) -> tuple[Drawing, ...]:
        """The figures of its timings, which differ on every run: on the page alone, and in no output of DVC."""
        return tuple(speed_figures.latencies(self.facts))

    def drawn(self, kind: str) -> tuple[Drawing, ...]:
        """The figures of one kind: careless, learning, confusion, roc, reliability or stress."""
        return tuple(drawing for drawing in self.drawings if drawing.name.startswith(f"{kind}_"))

    @cached_property
    def speeds(self) -> Speeds:
        """The timings of the study."""
        return Speeds(self.facts)

    @cached_property
    def checks(self) -> list[Check]:
        """What has to hold before the figures are believed."""
        return checks.checklist(self.facts)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections that have something to show."""
        return tuple(section for section in SECTIONS if section.has(self.facts))


def render(
    chapters: Sequence[Chapter], settings: Settings, made: provenance.Provenance | None, limit: int = LIMIT
) -> str:
    """The whole page as HTML; every number in it is a number of the metrics.

    Figures that stand behind a click are left out where the page would be larger than its limit.

    Args:
        chapters: the studies.
        settings: the params of the run.
        made: the commit that the page is made at, if it is known.
        limit: of the page's size, in bytes.
    """
    template = _environment().get_template("page.html.j2")
    script = "\n".join(_script(name) for name in SCRIPTS)
    known = {
        "chapters": chapters,
        "settings": settings,
        "made": made,
        "drawn": provenance.drawn_now([chapter.facts.name for chapter in chapters]),
        "terms": terms(),
        "icon": pictures.svg_uri(ICON),
        "script": Markup(script),  # noqa: S704 (a script of this package)
        "script_hash": _hash(script),
    }
    html = template.render(**known, folded=True)
    return html if len(html.encode()) < limit else template.render(**known, folded=False)


def _script(name: str) -> str:
    return resources.files("medcnn.report").joinpath("templates", "scripts", f"{name}.js").read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = templating.environment(escapes=True)
    for shower in (*shown.FILTERS, engine, pictures.svg_uri, pictures.jpeg_uri, pictures.sheet_uri):
        environment.filters[shower.__name__] = shower
    environment.globals.update(
        aims=aims.aims,
        reached=aims.reached,
        answer=answer,
        axis=axes.axis,
        baseline=baseline,
        better=pairs.better,
        pair_matrix=pairs.matrix,
        compact=tradeoff.compact,
        chart=tradeoff.chart,
        growth_verdict=growth.verdict,
        hunted=problems.hunted,
        KINDS=problems.KINDS,
        SHOWN=problems.SHOWN,
        NAMED=problems.NAMED,
        SUSPECTED_HOW=suspected.HOW,
        hardest=tradeoff.hardest,
        crossvalidated=crossvalidated,
        luck=luck,
        of_provenance=checks.of_provenance,
        gallery_of=shown_gallery,
        params_of_run=provenance.params_of_run,
        FIGURES=FIGURES,
        FEWEST_GROUPS=FEWEST_GROUPS,
        outcomes=outcomes,
        SCORED=SCORED,
        TESTED=TESTED,
        CALIBRATED=CALIBRATED,
        named=BY_KEY,
        onnx_model=paths.onnx_model,
        try_page=paths.TRY.name,
    )
    return environment


def answer(facts: Facts) -> str:
    """The answer of a study in one line, as others show it who link to the page."""
    test, key = facts.evaluated[facts.best].test, "auroc" if facts.several else "accuracy"
    value, ends = test.get(key), shown.bounds(test, key)
    if value is None:
        return f"{facts.best}; there are no test images to judge it on."
    interval = f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
    name = BY_KEY[key].name
    return f"{facts.best}: {name} {value:.3f}{interval} on {test.support:,} test images, groups: {test.groups:,}."


def shown_gallery(facts: Facts) -> dict[str, list[Explained]]:
    """The gallery of the chosen model by kind, without images whose picture is not there."""
    if facts.explained is None:
        return {}
    kinds = ("errors", "uncertain", "typical")
    found = {
        kind: [item for item in facts.explained.images.get(kind, ()) if (facts.pictures / item.file).exists()]
        for kind in kinds
    }
    return {kind: items for kind, items in found.items() if items}


def crossvalidated(facts: Facts) -> dict[str, Crossval]:
    """Cross-validation by model, of those that have it, in the order of the ranking."""
    found = {model: facts.evaluated[model].crossval for model in facts.ranking}
    return {model: crossval for model, crossval in found.items() if crossval is not None}


def _hash(script: str) -> str:
    """The script's hash, as a content security policy names the one script that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
