from __future__ import annotations

import pytest

from medcnn.inference.certainty import Certainty


def test_no_probability_is_surer_than_the_rule_of_three():
    certainty = Certainty(100)
    assert certainty.most == pytest.approx(0.97)
    assert [certainty.beyond(value) for value in (0.999, 0.96, 0.5, 0.04, 0.001)] == [">", "", "", "", "<"]
    assert [certainty.limit(value) for value in (0.999, 0.5, 0.001)] == pytest.approx([0.97, 0.5, 0.03])


@pytest.mark.parametrize("images", [0, 1, 5])
def test_a_handful_of_images_supports_nothing_but_more_or_less_likely_than_not(images: int):
    assert Certainty(images).most == 0.5
    assert Certainty(images).beyond(0.6) == ">"
