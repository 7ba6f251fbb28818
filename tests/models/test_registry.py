from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from medcnn.console import MedcnnError
from medcnn.models.registry import Rescaling, network, networks, register
from medcnn.params import Model


def test_params_accept_exactly_the_registered_networks() -> None:
    assert set(get_args(Model.model_fields["network"].annotation)) == set(networks())


def test_an_unknown_network_is_answered_with_the_list() -> None:
    with pytest.raises(MedcnnError, match="unknown network 'vgg99'; choose from deep, lite0, relay, simple, tiny"):
        network("vgg99")


def test_a_name_is_registered_once() -> None:
    networks()
    with pytest.raises(ValueError, match="network 'simple' is registered twice"):
        register("simple", preprocessing=Rescaling(1.0, 0.0), smallest=1)(lambda x: x)
    assert network("simple").body.__name__ == "simple"


def test_preprocessing_is_the_published_one() -> None:
    lite0, simple = network("lite0"), network("simple")
    assert [pixel * lite0.scale + lite0.offset for pixel in (0, 127, 255)] == [-127 / 128, 0, 1]
    assert (255 * simple.scale + simple.offset) == pytest.approx(1)


def test_the_registry_and_the_weights_need_no_keras() -> None:
    code = "import sys, medcnn.models.registry, medcnn.models.weights; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
