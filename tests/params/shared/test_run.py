from __future__ import annotations

import pytest

from medcnn.core.errors import ParamsError
from medcnn.params.shared.run import links

MODELS = ("simple", "lite0", "lite0_small", "small", "small_relay", "relay")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simple", (None, "simple")),
        ("lite0_relay_chain", ("lite0", "relay")),
        ("lite0_small_chain", ("lite0", "small")),
    ],
)
def test_a_name_is_that_of_a_model_or_of_a_chain(name: str, expected: tuple[str | None, str]) -> None:
    assert links(name, MODELS) == expected


@pytest.mark.parametrize("name", ["simpel", "lite0_vgg16_chain", "lite0_small_relay_chain"])
def test_an_unknown_name_or_one_of_two_chains_is_refused_with_the_models(name: str) -> None:
    with pytest.raises(ParamsError, match=f"'{name}'.*simple, lite0"):
        links(name, MODELS)
