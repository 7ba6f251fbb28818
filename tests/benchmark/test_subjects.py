from __future__ import annotations

import numpy as np
import pytest

from medcnn.benchmark.subjects import distinct
from medcnn.ensemble.combined import Combined
from medcnn.ensemble.rules import Cascade
from medcnn.results.compared import Compared, Ends

MEMBERS = {
    "ensemble_mean": ("simple", "deep"),
    "ensemble_vote": ("simple", "deep"),
    "ensemble_greedy": ("simple", "lite0"),
    "simple_deep_cascade": ("simple", "deep"),
}
MADE = {
    name: Combined(name, members, Cascade(1.0, 0.5) if name.endswith("cascade") else np.mean)
    for name, members in MEMBERS.items()
}


@pytest.mark.parametrize(("best", "timed"), [("simple", "ensemble_vote"), ("ensemble_mean", "ensemble_mean")])
def test_of_ensembles_of_the_same_networks_the_chosen_or_best_ranked_is_timed(best: str, timed: str) -> None:
    ends = {"best": best, "worst": "deep"}
    ranking = ("ensemble_vote", "ensemble_mean", "simple_deep_cascade", "ensemble_greedy", "simple", "deep")
    compared = Compared(**ends, networks=Ends(**ends), ranking=ranking, pairs=(), same_as_best={})
    # A cascade asks its second network about some images only.
    assert set(distinct(MADE, compared)) == {timed, "ensemble_greedy", "simple_deep_cascade"}
