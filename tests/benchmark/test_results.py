from __future__ import annotations

import numpy as np
import pytest

from medcnn.benchmark import results
from medcnn.benchmark.engines import available
from medcnn.measures.statistics.intervals import proportion


def test_answers_are_judged_by_patient_and_set_beside_the_baseline() -> None:
    baseline = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    answers = baseline.copy()
    answers[3] = [0.45, 0.55]
    labels, groups = np.array([0, 0, 1, 1]), ("a", "a", "b", "c")
    judged = results.tested(answers, baseline, labels, groups, 0.95)
    assert (judged.images, judged.accuracy) == (4, 1.0)
    assert judged.largest_difference == pytest.approx(0.15)
    assert results.tested(baseline, baseline, labels, groups, 0.95).accuracy == 0.75
    right = np.array([True, True, True, False])
    expected = proportion(right, groups, 0.95)
    judged = results.tested(baseline, baseline, labels, groups, 0.95)
    assert (judged.accuracy_low, judged.accuracy_high) == expected


def test_bfloat16_is_timed_only_where_the_processor_has_it() -> None:
    assert available.suited(("avx2", "avx512_bf16")) == ("openvino", "openvino_bfloat16", "litert")
    assert available.suited(("avx2", "avx512f")) == ("openvino", "litert")
    assert available.suited(()) == ("openvino", "litert")
