from __future__ import annotations

import subprocess
import sys

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.networks import registry
from medcnn.params.catalogue import catalogue
from tests.lazy import lazy

keras = lazy("keras")
building = lazy("medcnn.networks.building")


def test_the_catalogue_lists_exactly_the_registered_networks() -> None:
    assert building.body("simple")
    assert set(catalogue().medcnn) == set(registry.registered)


def test_the_catalogue_lists_networks_that_keras_has() -> None:
    assert [name for name in catalogue().keras if not callable(getattr(keras.applications, name, None))] == []
    assert not set(catalogue().keras) & set(catalogue().medcnn)


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(MedcnnError, match="'vgg99'"):
        building.body("vgg99")


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="network 'simple' is registered twice"):
        registry.register("simple")(lambda x: x)
    assert building.body("simple").__name__ == "simple"


def test_the_registry_and_the_weights_need_no_keras() -> None:
    code = "import sys, medcnn.networks.registry, medcnn.weights.storing; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
