"""The end of a run, over figures of a whole example project."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medcnn.params import whole
from medcnn.params.sources import FolderSource
from medcnn.params.whole import Params
from medcnn.report.facts import Facts
from medcnn.report.gathering import gathered
from medcnn.report.reproduction import Reproduction
from medcnn.running.ending import lines
from medcnn.runtime import paths
from tests.report.example import example, write_careless, write_timings


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = example(tmp_path_factory.mktemp("ending")).evaluate()
    write_timings(made, "simple", "lite0")
    write_careless(made)
    return made.folder


@pytest.fixture
def known(project: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Facts, Params]:
    monkeypatch.chdir(project)
    read = whole.load(paths.PARAMS)
    return gathered("phantom", read), read


def ended(facts: Facts, read: Params, reproduced: Reproduction | None = None) -> list[str]:
    return list(lines([facts], read.models, reproduced))


def test_it_has_twelve_lines_at_most_that_fit_a_terminal(known: tuple[Facts, Params]) -> None:
    printed = ended(*known, Reproduction(3, ("train@phantom-simple",), False))
    assert len(printed) <= 12
    assert all(len(line) <= 120 for line in printed if not line.startswith(("Page", "Reproduces")))


def test_the_chosen_model_stands_first_with_its_interval(known: tuple[Facts, Params]) -> None:
    facts, read = known
    test = facts.evaluated[facts.best].test
    table = [line for line in ended(facts, read) if "[" in line]
    assert table[0].split()[0] == facts.best
    assert f"{test.get('accuracy'):.3f} [{test.get('accuracy_low'):.3f}, {test.get('accuracy_high'):.3f}]" in table[0]


def test_times_are_those_of_the_fastest_engine_and_absent_before_a_benchmark(known: tuple[Facts, Params]) -> None:
    facts, read = known
    [row] = [line for line in ended(facts, read) if "transfer learning" in line]
    assert ("2.50" in row, "0.9 MB" in row) == (True, True)
    [row] = [line for line in ended(replace(facts, timed={}), read) if "transfer learning" in line]
    assert ("2.50" in row, "2.6 MB" in row) == (False, True)


def test_the_page_is_an_address_and_reproduction_is_said_where_it_is_known(known: tuple[Facts, Params]) -> None:
    assert any(paths.REPORT.resolve().as_uri() in line for line in ended(*known))
    assert not any("Reproduces" in line for line in ended(*known))
    assert any(
        "train@phantom-simple" in line for line in ended(*known, Reproduction(3, ("train@phantom-simple",), True))
    )


def test_the_highest_claim_of_a_careless_split_is_said_beside_what_holds(known: tuple[Facts, Params]) -> None:
    facts, read = known
    [line] = [line for line in ended(facts, read) if "random split" in line]
    assert ("97.5%" in line, "60.0%" in line, "chance" in line) == (True, True, False)
    [line] = [line for line in ended(replace(facts, claims=None), read) if "random split" in line]
    assert f"{facts.data.leak.random_split_fraction:.1%}" in line


def test_a_model_that_may_be_no_better_than_the_largest_class_is_said_to_be(known: tuple[Facts, Params]) -> None:
    facts, read = known
    best = facts.evaluated[facts.best]
    of_class = {
        name: rates.model_copy(update={"support": best.test.support}) for name, rates in best.test.classes.items()
    }
    poor = best.model_copy(update={"test": best.test.model_copy(update={"classes": of_class})})
    poorer = replace(facts, evaluated={**facts.evaluated, facts.best: poor})
    assert any("always answering" in line for line in ended(poorer, read))


def test_a_model_of_ones_own_images_is_offered_for_prediction_once_it_is_exported(known: tuple[Facts, Params]) -> None:
    facts, read = known
    own = replace(facts, study=facts.study.model_copy(update={"source": FolderSource(kind="folder", path="images")}))
    assert ended(own, read)[-1].endswith("medcnn predict phantom IMAGE")
    assert ended(replace(own, exported={}), read)[-1].endswith("medcnn open")
