from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from medcnn.core.errors import MedcnnError
from medcnn.networks import pretrained
from medcnn.params.shared.scaling import PREPROCESSING
from medcnn.weights import torch_weights
from tests.lazy import lazy

building = lazy("medcnn.networks.building")
preprocessing = lazy("medcnn.networks.preprocessing")

# The first pooled features of timm 1.0.31's resnet34 (PyTorch 2.15.0), and torchvision 0.29.2's, which are equal, for
# the image and the weights that are made below.
FEATURES = {
    64: [2.4915404, 14.9889116, 9.6711617, 4.0548792],
    45: [2.3238416, 6.8091397, 3.2161884, 1.6460296],
    33: [1.4206716, 7.7144485, 3.4812250, 1.3146875],
}
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def names_and_shapes() -> dict[str, tuple[int, ...]]:
    """What a PyTorch ResNet-34 holds."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7), **normalisation("bn1", 64)}
    before = 64
    for stage, (filters, blocks) in enumerate(STAGES, start=1):
        for index in range(blocks):
            block = f"layer{stage}.{index}"
            shapes[f"{block}.conv1.weight"] = (filters, before, 3, 3)
            shapes[f"{block}.conv2.weight"] = (filters, filters, 3, 3)
            shapes |= normalisation(f"{block}.bn1", filters) | normalisation(f"{block}.bn2", filters)
            if before != filters:
                shapes[f"{block}.downsample.0.weight"] = (filters, before, 1, 1)
                shapes |= normalisation(f"{block}.downsample.1", filters)
            before = filters
    return {**shapes, "fc.weight": (1000, 512), "fc.bias": (1000,)}


def normalisation(name: str, filters: int) -> dict[str, tuple[int, ...]]:
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{kind}": (filters,) for kind in kinds}, f"{name}.num_batches_tracked": ()}


def made(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers that depend on the tensor's name alone; RandomState's are the same in every NumPy."""
    rng = np.random.RandomState(zlib.crc32(name.encode()))
    if not shape:
        return np.array(7)
    if len(shape) > 1:
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype("float32")
    low, high = (0.5, 1.5) if name.endswith((".weight", ".running_var")) else (-0.5, 0.5)
    return rng.uniform(low, high, shape).astype("float32")


def image(size: int) -> np.ndarray:
    waves = np.sin(np.arange(size * size * 3, dtype=np.float64) * 0.01) * 100 + 127
    return waves.reshape(1, size, size, 3).round().astype("float32")


@pytest.fixture(scope="module")
def published() -> bytes:
    return safetensors.numpy.save({name: made(name, shape) for name, shape in names_and_shapes().items()})


def test_gives_the_numbers_of_pytorch(published: bytes) -> None:
    arrays = torch_weights.resnet34(published, "model.safetensors")
    for size, expected in FEATURES.items():
        backbone = building.build_backbone("resnet34", "average", size)
        pretrained.assign(backbone, arrays)
        features = backbone(preprocessing.layer(PREPROCESSING["torch"], size)(image(size))).numpy()[0]
        np.testing.assert_allclose(features[:4], expected, rtol=1e-5)


def test_uses_every_tensor_but_the_classifier(published: bytes) -> None:
    arrays = torch_weights.resnet34(published, "model.safetensors")
    backbone = building.build_backbone("resnet34", "average", 32)
    used = {f"{layer.name}/{variable.name}" for layer in backbone.layers for variable in layer.weights}
    assert set(arrays) - used == {"fc/kernel", "fc/bias"}
    assert sum(int(np.prod(variable.shape)) for variable in backbone.trainable_weights) == 21_284_672


@pytest.mark.parametrize("keep", [0, 7, 1000, 10**6])
def test_a_file_cut_short_is_refused(published: bytes, keep: int) -> None:
    with pytest.raises(MedcnnError, match=r"^cut\.safetensors: not a safetensors file, or a broken one"):
        torch_weights.resnet34(published[:keep], "cut.safetensors")


def test_another_network_is_refused(tmp_path: Path) -> None:
    data = safetensors.numpy.save({"layer1.0.conv3.weight": np.zeros((1, 1, 1, 1), "float32")})
    with pytest.raises(MedcnnError, match=r"^it: the weights of another network, it has a tensor 'layer1\.0\.conv3"):
        torch_weights.resnet34(data, "it")
