"""The checklist: verdicts move with the records that they are of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from medcnn.params import whole
from medcnn.report.baseline import baseline
from medcnn.report.checks import checklist, of_provenance
from medcnn.report.facts import Facts
from medcnn.report.gathering import gathered
from medcnn.report.provenance import Provenance
from medcnn.report.reproduction import Reproduction
from medcnn.results.base import Figures
from medcnn.results.data import Doubt
from medcnn.results.evaluated import Crossval, Evaluated, Membership
from medcnn.results.measured import Measured
from medcnn.results.networks import Exported, Gallery
from medcnn.runtime import paths
from tests.report.example import example, write_external


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("checks")
    made = example(folder).evaluate()
    write_external(made)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return gathered(made.study, whole.load(paths.PARAMS))


def verdicts(facts: Facts) -> dict[str, str]:
    return {check.key: check.verdict for check in checklist(facts)}


def with_data(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, data=facts.data.model_copy(update=changes))


def with_test(facts: Facts, **changes: Any) -> Facts:
    tree = facts.evaluated[facts.best].model_dump()
    tree["test"] |= changes
    return replace(facts, evaluated={**facts.evaluated, facts.best: Evaluated.model_validate(tree)})


def with_export(facts: Facts, part: str, **changes: Any) -> Facts:
    tree = facts.exported[facts.best].model_dump()
    (tree["parity"] if part == "parity" else tree["int8"]["validation"]).update(changes)
    return replace(facts, exported={**facts.exported, facts.best: Exported.model_validate(tree)})


def test_a_leak_fails_and_unknown_patients_warn(facts: Facts):
    leak = facts.data.leak.model_copy(update={"this_split": 3})
    assert verdicts(with_data(facts, leak=leak))["leaks"] == "fail"
    assert verdicts(with_data(facts, leak=leak.model_copy(update={"this_split": 0})))["leaks"] == "pass"
    assert verdicts(with_data(facts, without_patient=0))["patients"] == "pass"
    assert verdicts(with_data(facts, without_patient=1, patients=None))["patients"] == "warn"


def test_doubts_are_shortcuts_or_of_the_images(facts: Facts):
    shortcut = Doubt(severity="warning", kind="shortcuts", text="PNG is ill", count=9, examples=[])
    note = shortcut.model_copy(update={"severity": "note"})
    flat = shortcut.model_copy(update={"kind": "flat_images"})
    assert verdicts(with_data(facts, doubts=[shortcut]))["shortcuts"] == "warn"
    assert verdicts(with_data(facts, doubts=[note]))["shortcuts"] == "pass"
    found = verdicts(with_data(facts, doubts=[flat]))
    assert (found["shortcuts"], found["images"]) == ("pass", "warn")


def test_few_groups_fail_and_wide_intervals_warn(facts: Facts):
    narrow = {"accuracy": 0.9, "accuracy_low": 0.87, "accuracy_high": 0.93}
    wide = narrow | {"accuracy_low": 0.7}
    assert verdicts(with_test(facts, groups=50, **narrow))["groups"] == "pass"
    assert verdicts(with_test(facts, groups=50, **wide))["groups"] == "warn"
    assert verdicts(with_test(facts, groups=4, **narrow))["groups"] == "fail"
    assert verdicts(with_test(facts, groups=50, accuracy_low=None, accuracy_high=None))["groups"] == "fail"


def test_the_most_frequent_answer_has_to_be_beaten_by_the_whole_interval(facts: Facts):
    least = baseline(facts.evaluated[facts.best].test, several=False)
    assert least is not None
    share = least.value
    assert (
        share
        == max(of.support for of in facts.evaluated[facts.best].test.classes.values())
        / facts.evaluated[facts.best].test.support
    )
    for accuracy, low, verdict in ((0.9, share + 0.1, "pass"), (0.9, share, "warn"), (share, 0.0, "fail")):
        changed = with_test(facts, accuracy=accuracy, accuracy_low=low, accuracy_high=0.99)
        assert verdicts(changed)["baseline"] == verdict


def test_findings_have_to_beat_an_auroc_of_a_half_and_nothing_is_beaten_without_images(facts: Facts):
    test = facts.evaluated[facts.best].test
    least = baseline(test, several=True)
    assert least is not None
    assert (least.key, least.value) == ("auroc", 0.5)
    assert least.beaten_by(test.model_copy(update={"auroc_low": 0.51}))
    assert not least.beaten_by(test.model_copy(update={"auroc_low": None}))
    assert baseline(Measured.model_validate(test.model_dump() | {"support": 0}), several=False) is None
    assert verdicts(with_test(facts, support=0))["groups"] == "fail"


def test_exports_that_differ_fail_and_dear_int8_warns(facts: Facts):
    assert verdicts(with_export(facts, "parity", argmax_agreement=1.0, max_difference=1e-6))["export"] == "pass"
    assert verdicts(with_export(facts, "parity", argmax_agreement=0.9))["export"] == "fail"
    assert verdicts(with_export(facts, "parity", argmax_agreement=0.9, images=10, undecided=1))["export"] == "pass"
    assert verdicts(with_export(facts, "parity", max_difference=0.01))["export"] == "fail"
    assert verdicts(with_export(facts, "int8", accuracy_drop=0.0, cross_entropy_rise=0.0))["int8"] == "pass"
    assert verdicts(with_export(facts, "int8", cross_entropy_rise=0.5))["int8"] == "warn"
    assert {"export", "int8"}.isdisjoint(verdicts(replace(facts, exported={})))


@pytest.mark.parametrize(
    ("accuracies", "verdict"), [((0.5,), "warn"), ((0.74, 0.75, 0.76), "pass"), ((0.4, 0.75), "warn")]
)
def test_seeds_that_move_more_than_the_interval_warn(accuracies: tuple[float, ...], verdict: str, facts: Facts):
    chosen = with_test(facts, accuracy=0.75, accuracy_low=0.65, accuracy_high=0.85).evaluated[facts.best]
    cells = {f"0-{seed}": Figures(accuracy=accuracy) for seed, accuracy in enumerate(accuracies)}
    none = Figures()
    crossval = Crossval(
        folds=(0,), repeats=tuple(range(len(accuracies))), images=9, groups=9, cells={**cells, "1-0": none},
        pooled=none, mean=none, spread=none,
    )  # fmt: skip
    evaluated = {**facts.evaluated, facts.best: chosen}
    again = {model: block.model_copy(update={"crossval": crossval}) for model, block in evaluated.items()}
    assert verdicts(replace(facts, evaluated=again))["seeds"] == verdict
    # An ensemble of networks that were trained once says nothing of their luck.
    assert verdicts(replace(facts, evaluated={**evaluated, facts.best: again[facts.best]}))["seeds"] == "warn"


@pytest.mark.parametrize(
    ("kind", "rate", "high", "verdict"),
    [
        ("sensitivity", 0.97, 0.99, "pass"),
        ("sensitivity", 0.9, 0.96, "pass"),
        ("sensitivity", 0.9, 0.94, "warn"),
        ("specificity", 0.9, 0.94, "warn"),
        ("youden", 0.9, 0.94, None),
        ("sensitivity", None, None, None),
    ],
)
def test_a_target_is_missed_where_the_whole_interval_lies_below_it(
    kind: str, rate: float | None, high: float | None, verdict: str | None, facts: Facts
):
    chosen = facts.evaluated[facts.best]
    key = "sensitivity" if kind == "youden" else kind
    rates = {key: rate, f"{key}_low": 0.8, f"{key}_high": high}
    points = {name: point.model_copy(update=rates) for name, point in chosen.operating_points.items()}
    changed = chosen.model_copy(update={"operating_points": points})
    wanted = facts.judged.operating_point.model_copy(update={"kind": kind})
    judged = facts.judged.model_copy(update={"operating_point": wanted})
    found = verdicts(replace(facts, judged=judged, evaluated={**facts.evaluated, facts.best: changed}))
    assert found.get("operating") == verdict


def test_other_studies_are_checked_where_there_are_any(facts: Facts):
    assert "external_elsewhere" in verdicts(facts)
    assert "external_elsewhere" not in verdicts(replace(facts, external={}))


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (None, "warn"),
        (Provenance("f" * 40, ("a.py",)), "warn"),
        (Provenance("f" * 40, ()), "pass"),
        (Provenance("f" * 40, (), Reproduction(3, (), inputs_changed=False)), "pass"),
        (Provenance("f" * 40, (), Reproduction(3, ("train@a-b",), inputs_changed=False)), "warn"),
    ],
)
def test_a_page_is_made_from_a_commit_or_not(made: Provenance | None, verdict: str):
    assert of_provenance(made).verdict == verdict


@pytest.mark.parametrize(("inside", "verdict"), [(0.7, "pass"), (0.6, "warn"), (0.5, "warn")])
def test_heat_that_is_no_more_inside_the_body_than_by_chance_warns(facts: Facts, inside: float, verdict: str):
    method = {"of": "lite0", "images": 5, "checked": 3, "inside": inside, "shuffled": 0.1}
    found = {"model": "lite0", "body": 0.6, "methods": {"occlusion": method}, "images": {}}
    explained = Gallery.model_validate(found)
    assert verdicts(replace(facts, explained=explained))["heat"] == verdict
    assert "heat" not in verdicts(replace(facts, explained=explained.model_copy(update={"body": None})))


@pytest.mark.parametrize(
    ("auroc", "low", "verdict"), [(0.52, 0.45, "pass"), (0.58, 0.53, "pass"), (0.7, 0.49, "pass"), (0.7, 0.62, "warn")]
)
def test_a_model_that_gives_its_training_images_away_warns(facts: Facts, auroc: float, low: float, verdict: str):
    found = Membership(auroc=auroc, auroc_low=low, auroc_high=0.8, advantage=0.1, members=60, others=30)
    chosen = facts.evaluated[facts.best].model_copy(update={"membership": found})
    assert verdicts(replace(facts, evaluated={**facts.evaluated, facts.best: chosen}))["membership"] == verdict
