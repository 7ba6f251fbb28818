from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.networks import pretrained
from medcnn.params.catalogue import catalogue
from medcnn.weights import finding, storing, torch_weights
from tests.lazy import lazy
from tests.networks.blocks import keras_file, settings

keras = lazy("keras")


@pytest.fixture(scope="module")
def pth() -> Path:
    """The published file of lite0, as a user may have it."""
    return finding.find("lite0", catalogue().medcnn["lite0"].imagenet)


def test_reads_the_whole_published_network(pth: Path) -> None:
    arrays = torch_weights.lite(pth.read_bytes(), pth.name)
    assert arrays["stem_conv/kernel"].shape == (3, 3, 3, 32)
    assert arrays["block3_depthwise_conv/kernel"].shape == (5, 5, 144, 1)
    assert arrays["block15_project_conv/kernel"].shape == (1, 1, 1152, 320)
    assert arrays["classifier/kernel"].shape == (1280, 1000)
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}
    assert min(array.min() for name, array in arrays.items() if name.endswith("moving_variance")) >= 0


def test_what_was_written_is_read_back(pth: Path, tmp_path: Path) -> None:
    storing.write("lite0", settings("lite0", weights="imagenet"), {}, tmp_path)
    found, expected = pretrained.load(tmp_path), torch_weights.lite(pth.read_bytes(), pth.name)
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_a_file_of_ones_own_gives_the_same(pth: Path, tmp_path: Path) -> None:
    storing.write("lite0", settings("lite0", weights="imagenet"), {}, tmp_path / "published")
    storing.write("mine", settings("lite0", weights=str(pth)), {}, tmp_path / "own")
    own, known = (tmp_path / name / "weights.npz" for name in ("own", "published"))
    assert own.read_bytes() == known.read_bytes()
    assert files.read_json(tmp_path / "own" / "weights.json") == {
        "preprocessing": "lite",
        "weights": "file",
        "backbone": "lite0",
        "kind": "file",
        "file": pth.name,
        "sha256": files.sha256(pth),
    }


def test_a_keras_file_of_ones_own_is_kept_as_it_is(tmp_path: Path) -> None:
    network = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = keras_file(tmp_path / "mine.h5", network)
    storing.write("mine", settings("MobileNetV2", weights=str(path)), {}, tmp_path / "own")
    assert (tmp_path / "own" / "weights.h5").read_bytes() == path.read_bytes()
    with pytest.raises(MedcnnError, match=r"^models\.other\.weights: mine\.h5: has 104 layers with weights, this back"):
        storing.write("other", settings("VGG16", weights=str(path)), {}, tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError) as refusal:
        storing.write("mine", settings("VGG16", weights="imagnet"), {}, tmp_path)
    assert str(refusal.value) == (
        "models.mine.weights: no such file: imagnet; choose none, imagenet, or the path of a weights file"
    )


def test_a_network_without_published_weights_takes_no_file(pth: Path, tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match="no published weights for backbone 'simple', only for lite0, lite1, lite2, "):
        storing.write("mine", settings("simple", weights=str(pth)), {}, tmp_path)


def test_another_networks_file_is_refused(pth: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.pth").write_bytes(pth.read_bytes()[:5000])
    with pytest.raises(MedcnnError, match=r"^models\.mine\.weights: cut\.pth: "):
        storing.write("mine", settings("lite0", weights=str(tmp_path / "cut.pth")), {}, tmp_path / "w")
