"""axe-core (MPL-2.0), the rules of WCAG 2.2 AA for a page in a browser: from the npm registry, for tests alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.demo.vendoring import Package
from tests.project import ROOT

AXE = Package(
    "axe-core",
    "4.11.0",
    "ilYanEU8vxxBexpJd8cWM4ElSQq4QctCLKih0TSfjIfCQTeyH/6zVrmIJfLPrKTKJRbiG+cfnZbQIjAlJmF1jQ==",
)
RUN = """async (within) => {
  const found = await axe.run(within, {
    runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] },
    // Contrast is measured by tests.browser, layers that axe leaves undecided included, in a tenth of the time.
    rules: { "target-size": { enabled: true }, "color-contrast": { enabled: false } },
    resultTypes: ["violations", "passes"],
    preload: false,
  });
  const listed = (of) => of.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  return { violations: listed(found.violations), passes: found.passes.map(({ id }) => id) };
}"""


def violations(tab: Any, within: str = "html") -> list[str]:
    """What breaks a rule, in a part of the page as it is shown now; the test is skipped where axe cannot be had."""
    tab.evaluate(_script())
    found = tab.evaluate(RUN, within)
    assert {"target-size", "button-name"} <= set(found["passes"])
    violations: list[str] = found["violations"]
    return violations


@cache
def _script() -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        try:
            AXE.fetch()
        except MedcnnError as error:
            pytest.skip(str(error))
        return AXE.read("axe.min.js").decode()
