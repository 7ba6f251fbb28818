from __future__ import annotations

import numpy as np
import pytest

from medcnn.measures.decision import net_benefit, of_calling_all


def test_net_benefit_is_that_of_a_count_by_hand():
    # 100 images, 20 of them positive. From 0.25 on 16 of them and 12 others are called: 0.16 - 0.12 / 3 = 0.12.
    # From 0.5 on 10 and 5: 0.10 - 0.05 = 0.05. From 0.9 on 2 and 1: 0.02 - 0.01 * 9 = -0.07.
    found = net_benefit([16, 10, 2], [12, 5, 1], 100, np.array([0.25, 0.5, 0.9]))
    assert found == pytest.approx([0.12, 0.05, -0.07])


def test_calling_all_is_worth_nothing_where_the_threshold_is_the_share_of_positives():
    assert of_calling_all(20, 100, np.array([0.2, 0.5])) == pytest.approx([0, 0.2 - 0.8])


def test_a_perfect_model_is_worth_the_share_of_positives_at_any_threshold():
    assert net_benefit([20] * 3, [0] * 3, 100, np.array([0.01, 0.5, 0.99])) == pytest.approx([0.2] * 3)


def test_without_images_it_is_not_defined():
    assert np.isnan(net_benefit([0], [0], 0, np.array([0.5]))).all()
