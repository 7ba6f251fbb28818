"""The page of a model that is no better than the most frequent answer, or was tested on hardly any patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from medcnn.params.shared.loading import load
from medcnn.report import page
from medcnn.report.gathering import gathered
from medcnn.report.settings import Settings
from medcnn.results.evaluated import Evaluated
from tests.report.example import Example, example
from tests.report.html import Page, parsed

GUESSED = {"accuracy": 0.4, "accuracy_low": 0.2, "accuracy_high": 0.6}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(tmp_path_factory.mktemp("baseline")).evaluate()


def drawn(made: Example, test: Mapping[str, Any]) -> Page:
    """The page on which the chosen model has these figures on test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        settings = load(Settings)
        facts = gathered(made.study, settings)
        tree = facts.evaluated[facts.best].model_dump()
        tree["test"] |= test
        evaluated = {**facts.evaluated, facts.best: Evaluated.model_validate(tree)}
        return parsed(page.render([page.Chapter(replace(facts, evaluated=evaluated))], settings, None))


def loud(found: Page) -> bool:
    return any(attributes.get("class") == "note loud" for _, attributes in found.elements)


def test_a_model_within_chance_of_the_most_frequent_answer_is_said_to_be(made: Example):
    assert loud(drawn(made, GUESSED))
    assert not loud(drawn(made, {"accuracy": 0.9, "accuracy_low": 0.8, "accuracy_high": 0.95}))


def test_the_share_of_the_most_frequent_class_is_a_line_in_the_ranking(made: Example):
    lines = [attributes for tag, attributes in drawn(made, {}).elements if attributes.get("class") == "guess"]
    assert len(lines) == len(made.models)
    assert all(0 <= float(line["x1"].removesuffix("%")) <= 100 for line in lines)


def test_few_groups_have_no_intervals(made: Example):
    few = drawn(made, {**GUESSED, "groups": 3})
    assert loud(few)
    chosen = next(cells for name, cells in few.table("Model", "Validation cross-entropy").items() if "chosen" in name)
    assert [len(cell.values) for cell in chosen[:5]] == [1] * 5


def test_no_two_elements_of_a_page_have_one_address(made: Example):
    addresses = [attributes["id"] for _, attributes in drawn(made, {}).elements if "id" in attributes]
    assert len(addresses) == len(set(addresses))
