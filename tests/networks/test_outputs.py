from __future__ import annotations

import numpy as np

from medcnn.networks.outputs import per_class
from tests.lazy import lazy

keras = lazy("keras")
tf = lazy("tensorflow")

EXPECTED = [[0.8, 0.2], [0.1, 0.9], [0.5, 0.5]]


def test_one_sigmoid_unit_is_the_probability_of_the_second_class() -> None:
    single = np.array([[0.2], [0.9], [0.5]])
    np.testing.assert_allclose(per_class(single), EXPECTED)
    np.testing.assert_allclose(per_class(tf.constant(single), tf.concat).numpy(), EXPECTED)
    unit = keras.Input((1,))
    widened = keras.Model(unit, per_class(unit, keras.ops.concatenate))
    np.testing.assert_allclose(widened.predict(single, verbose=0), EXPECTED, rtol=1e-6)


def test_probabilities_per_class_are_left_alone() -> None:
    two = np.array([[0.3, 0.7]])
    assert per_class(two) is two


def test_the_second_class_is_predicted_only_above_one_half() -> None:
    half = np.float32(0.5)
    near = np.array([[np.nextafter(half, np.float32(0))], [half], [np.nextafter(half, np.float32(1))]])
    assert per_class(near).argmax(axis=1).tolist() == [0, 0, 1]
