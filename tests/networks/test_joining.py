from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.export.networks import small_network
from tests.lazy import lazy

averaging = lazy("medcnn.networks.averaging")
cost = lazy("medcnn.networks.cost")
joining = lazy("medcnn.networks.joining")
naming = lazy("medcnn.networks.naming")
saving = lazy("medcnn.networks.saving")

SIZE = 24


@pytest.mark.parametrize("tta", ["none", "flips"])
@pytest.mark.parametrize(("classes", "shared"), [(2, True), (3, False)])
def test_networks_become_one_that_answers_their_mean(classes: int, shared: bool, tta: str, tmp_path: Path) -> None:
    networks = [small_network(classes, SIZE, seed=seed) for seed in (5, 6, 7)]
    for network in networks:
        backbone = naming.rename(network.get_layer("backbone"))
        backbone.set_weights((networks[0] if shared else network).get_layer("backbone").get_weights())
    images = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3)).astype(np.float32)
    views = [images, images[:, :, ::-1]] if tta == "flips" else [images]
    expected = np.mean([network.predict_on_batch(view) for network in networks for view in views], axis=0)
    macs, (backbone, head) = cost.macs(networks[0]), (networks[0].get_layer(part) for part in ("backbone", "head"))
    assert macs == cost.macs(backbone) + cost.macs(head)
    saving.save(averaging.averaged(joining.joined(networks), tta), tmp_path / "model.keras")
    joined = saving.load(tmp_path / "model.keras")
    np.testing.assert_allclose(joined.predict_on_batch(images), expected, atol=1e-6)
    assert cost.macs(joined) == len(views) * (cost.macs(backbone) * (1 if shared else 3) + cost.macs(head) * 3)
