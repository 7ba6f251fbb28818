from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from medcnn.grouping import dealing

SHARES = (0.65, 0.15, 0.2)


def cohort(seed: int, patients: int = 120) -> tuple[list[int], list[str]]:
    rng = np.random.default_rng(seed)
    groups = [patient for patient in range(patients) for _ in range(rng.integers(1, 9))]
    return groups, [("a", "b", "c")[group % 3 if rng.random() < 0.8 else 0] for group in groups]


@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_parted_and_every_part_holds_its_share_of_every_class(seed: int) -> None:
    groups, labels = cohort(seed)
    parts = dealing.assign(groups, labels, SHARES, np.random.default_rng(seed))
    sides = defaultdict(set)
    for group, part in zip(groups, parts, strict=True):
        sides[group].add(part)
    assert all(len(side) == 1 for side in sides.values())
    total, dealt = Counter(labels), Counter(zip(parts, labels, strict=True))
    for part, share in enumerate(SHARES):
        for label, count in total.items():
            assert dealt[part, label] / count == pytest.approx(share, abs=0.04)


def test_the_same_draw_gives_the_same_parts_and_another_draw_others() -> None:
    groups, labels = cohort(0)
    first = dealing.assign(groups, labels, SHARES, np.random.default_rng(1))
    assert np.array_equal(first, dealing.assign(groups, labels, SHARES, np.random.default_rng(1)))
    assert not np.array_equal(first, dealing.assign(groups, labels, SHARES, np.random.default_rng(2)))


def test_folds_cover_what_is_not_in_the_test_part_evenly_and_whole_groups() -> None:
    groups, labels = cohort(3)
    tested = [group % 5 == 0 for group in groups]
    fold = dealing.folds(groups, labels, tested, 5, seed=42)
    assert [number == 0 for number in fold] == tested
    sizes = Counter(number for number in fold if number > 0)
    assert set(sizes) == {1, 2, 3, 4, 5}
    assert max(sizes.values()) < 1.15 * min(sizes.values())
    assert len({(group, number) for group, number in zip(groups, fold, strict=True)}) == len(set(groups))


def test_every_finding_is_shared_out_also_where_images_have_several() -> None:
    random = np.random.default_rng(5)
    findings = (random.random((400, 3)) < (0.5, 0.2, 0.1)).astype(np.int64)
    part_of = dealing.assign(np.arange(400) // 2, findings, [0.65, 0.15, 0.2], np.random.default_rng(0))
    for column in findings.T:
        shares = np.bincount(part_of[column == 1], minlength=3) / column.sum()
        np.testing.assert_allclose(shares, [0.65, 0.15, 0.2], atol=0.03)
