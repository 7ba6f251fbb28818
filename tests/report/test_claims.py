from __future__ import annotations

from dataclasses import replace

import pytest

from medcnn.report.claims import Claims, Contrast
from medcnn.results.careless import Claim


def claim(value: float, width: float | None = 0.05) -> Claim:
    low, high = (None, None) if width is None else (value - width, value + width)
    return Claim(accuracy=value, accuracy_low=low, accuracy_high=high, auroc=1 - value, auroc_low=low, auroc_high=high)


CLAIMS = Claims(
    "accuracy",
    {"a": Contrast(claim(0.8), claim(0.95)), "b": Contrast(claim(0.9), claim(0.93))},
    images=20,
    leaked=19,
    patients=True,
    confidence=0.95,
)


def test_the_model_that_a_careless_split_puts_forward_is_named_with_what_holds() -> None:
    assert CLAIMS.foremost == "a"
    assert all(part in CLAIMS.sentence for part in ("95.0% for a", "80.0%", "new patients"))
    assert "patients" not in replace(CLAIMS, patients=False).sentence


def test_findings_are_ranked_by_their_area() -> None:
    findings = replace(CLAIMS, key="auroc")
    assert findings.foremost == "b"
    assert all(part in findings.sentence for part in ("0.070", "0.100"))


@pytest.mark.parametrize(
    ("honest", "careless", "beyond"),
    [
        (claim(0.8), claim(0.95), True),
        (claim(0.9), claim(0.93), False),
        (claim(0.95), claim(0.8), False),
        (claim(0.8, None), claim(0.95), False),
    ],
)
def test_a_difference_that_two_sets_of_images_cannot_tell_is_called_chance(
    honest: Claim, careless: Claim, beyond: bool
) -> None:
    claims = replace(CLAIMS, by_model={"a": Contrast(honest, careless)})
    assert claims.beyond_chance("a") == beyond
    assert ("chance" in claims.sentence) != beyond


def test_a_claim_that_another_seed_would_hold_is_called_chance() -> None:
    steady, moved = (replace(CLAIMS, seeds={"a": seeds}) for seeds in ((0.8, 0.81, 0.8), (0.8, 0.87, 0.93)))
    assert steady.beyond_chance("a")
    assert not moved.beyond_chance("a")
    assert all(part in moved.sentence for part in ("80.0%", "93.0%", "3 seeds", "chance"))
