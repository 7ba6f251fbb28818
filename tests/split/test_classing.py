from __future__ import annotations

from collections import Counter

import pytest

from medcnn.params.shared.classes import NO_FINDING
from medcnn.split import classing
from medcnn.split.classing import Classifier, SeveralFindings


@pytest.mark.parametrize(
    ("patterns", "text", "label", "severity"),
    [
        ({"*NORMAL": "normal", "ABNORMAL*": "abnormal"}, "ABNORMAL", "abnormal", "warning"),
        ({"ABNORMAL*": "abnormal", "*NORMAL": "normal"}, "ABNORMAL", "abnormal", "warning"),
        ({"*tumor": "tumor", "no_tumor": "none"}, "no_tumor", "none", "note"),
        ({"a*": "x", "*b": "y"}, "ab", "x", "error"),
        ({"[a-z]*": "x", "ab*": "y"}, "abc", "y", "warning"),
        ({"a*": "x", "*b": "x"}, "ab", "x", None),
        ({"a": "x", "b": "y"}, "c", "", None),
    ],
)
def test_the_closest_pattern_gives_the_class_and_the_other_is_named(
    patterns: dict[str, str], text: str, label: str, severity: str | None
) -> None:
    classifier = Classifier(patterns)
    assert classifier.of_text(text) == label
    assert [doubt.severity for doubt in classing.of_two_classes(classifier)] == ([severity] if severity else [])


def test_a_pattern_that_lost_its_text_to_a_closer_one_is_named() -> None:
    classifier = Classifier({"*tumor*": "tumor", "no*": "none"})
    assert classifier.of_folders("set/no_tumor") == "tumor"
    assert "'no*' matches 'no_tumor', which '*tumor*' takes" in classing.taken(classifier, "none")
    assert classing.taken(classifier, "tumor") == ""


@pytest.mark.parametrize(
    ("text", "almost"),
    [
        ("Benign", True),
        (" benign", True),
        ("beni_gn", True),
        ("malign", False),
        ("1.0", True),
        ("01", True),
        ("10", False),
    ],
)
def test_texts_that_differ_in_spelling_alone_are_suggested(text: str, almost: bool) -> None:
    assert bool(classing.nearly([text], ["benign", "1"])) == almost


def test_texts_of_no_class_are_counted_most_frequent_first() -> None:
    (doubt,) = classing.of_no_class(Classifier({"a": "x"}), Counter({"b": 2, "": 1, "A": 5}), 20, "value")
    assert doubt.count == 8
    assert doubt.examples == ("'A' 5", "'b' 2", "'' 1")


def test_several_findings_are_named_in_the_order_of_classes_or_as_none() -> None:
    patterns = {"Mass": "mass", "Effusion*": "fluid", "No Finding": NO_FINDING, "Hernia": NO_FINDING}
    classifier = SeveralFindings(patterns, separator=";")
    texts = {
        "Effusion right; Mass": "mass|fluid", "No Finding": NO_FINDING, "Hernia": NO_FINDING, "Hernia;Mass": "mass",
        "Mass;Tumour": "", "": "", NO_FINDING: NO_FINDING,
    }  # fmt: skip
    assert {text: classifier.of_text(text) for text in texts} == texts
