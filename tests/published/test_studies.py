from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from medcnn.params.shared.run import links
from medcnn.params.whole import Params
from medcnn.published import studies

STUDIES = studies.load()


@pytest.mark.parametrize("study", STUDIES)
def test_every_model_has_a_name_in_the_studys_own_run(study: str, settings: Params):
    for network in STUDIES[study].networks:
        first, model = links(network, settings.models)
        assert model in settings.models
        assert first is None or first in STUDIES[study].networks
    ensembles = [f"ensemble_{combiner}" for combiner in settings.ensemble.combiners]
    ours = [row.ours for row in STUDIES[study].rows if row.ours]
    assert study in settings.studies
    assert STUDIES[study].best_here in settings.models
    assert set(ours) <= {*STUDIES[study].networks, *ensembles}
    assert len(ours) == len(set(ours))


def test_only_frozen_models_with_augmentation_are_said_to_see_few_views(settings: Params):
    study = STUDIES["brain_mri"]
    (reason,) = (reason for reason in study.different_here if "views made once" in reason.text)
    ours = [row.ours for row in study.rows if row.ours and reason.concerns(row.model)]
    assert ours == [row.ours for row in study.rows if row.ours and settings.model(row.ours).augment == "study"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("accuracy: 0.5143", "acuracy: 0.5143", "Extra inputs are not permitted"),
        (
            "models: [chained]",
            "models: [chain]",
            "did you mean 'chained'\\? choose from first, second, ensemble, chained",
        ),
        ("accuracy: 0.5143", "accuracy: 51.43", "less than or equal to 1"),
    ],
)
def test_what_it_does_not_know_is_refused(old: str, new: str, message: str, tmp_path: Path):
    text = studies.PATH.read_text(encoding="utf-8")
    (tmp_path / "published.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValidationError, match=message):
        studies.load(tmp_path / "published.yaml")


def test_a_figure_is_shown_with_the_decimals_it_was_published_with():
    assert [studies.decimals(value) for value in (0.8, 1.0, 0.895, 0.8659)] == [2, 2, 3, 4]
