from __future__ import annotations

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.export.parity import Reference, parity
from tests.export.parts import part

EXPECTED = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.4, 0.40005, 0.19995], [0.1, 0.3, 0.6]])


def reference(expected: np.ndarray = EXPECTED, undecided: tuple[int, ...] = ()) -> Reference:
    """Four test images, all of class a; the last digits decide the answers of some of them."""
    return Reference(part(np.zeros((4, 8, 8, 3), np.uint8), range(4)), expected, np.isin(np.arange(4), undecided))


def changed(row: int, *values: float) -> np.ndarray:
    other = EXPECTED.copy()
    other[row] = values
    return other


def test_figures_are_of_all_images() -> None:
    compared = parity(reference(), EXPECTED + 1e-6)
    assert (compared.images, compared.undecided, compared.argmax_agreement) == (4, 0, 1)
    assert compared.max_difference == pytest.approx(1e-6)
    assert compared.accuracy_keras == compared.accuracy_onnx == 0.25


def test_another_class_is_allowed_where_the_two_likeliest_are_even() -> None:
    compared = parity(reference(), changed(2, 0.40003, 0.40002, 0.19995))
    assert compared.argmax_agreement == 0.75
    assert compared.accuracy_onnx == 0.5


@pytest.mark.parametrize(
    ("actual", "fault"),
    [
        (changed(1, 0.201, 0.699, 0.1), "1 of 4 .*0.001 .*image_1"),
        (changed(3, np.nan, 0.3, 0.6), "nan .*image_3"),
        (EXPECTED[:, ::-1], "4 of 4 .*0.6 .*image_0"),
    ],
)
def test_other_answers_are_one_line(actual: np.ndarray, fault: str) -> None:
    with pytest.raises(MedcnnError, match=fault) as error:
        parity(reference(), actual)
    assert "\n" not in str(error.value)


def test_another_class_that_is_clearly_likelier_is_a_mismatch_however_small_the_difference() -> None:
    expected = EXPECTED.copy()
    expected[2] = [0.39993, 0.40007, 0.2]
    with pytest.raises(MedcnnError, match=r"8e-05 .*image_2"):
        parity(reference(expected), changed(2, 0.40001, 0.4, 0.2))


def test_an_answer_that_the_last_digits_decide_is_counted_apart() -> None:
    otherwise = changed(1, 0.7, 0.2, 0.1)
    compared = parity(reference(undecided=(0, 1)), otherwise)
    assert (compared.undecided, compared.max_difference, compared.argmax_agreement) == (1, 0, 0.75)
    with pytest.raises(MedcnnError, match="1 of 4"):
        parity(reference(undecided=(0,)), otherwise)
    with pytest.raises(MedcnnError, match="nan"):
        parity(reference(undecided=(1,)), changed(1, np.nan, 0.2, 0.1))
