from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto

from medcnn.core import untrusted
from medcnn.core.errors import MedcnnError
from tests.fuzz.child import Child
from tests.fuzz.mutating import bounded, damaged
from tests.inference import hostile
from tests.lazy import lazy
from tests.predict.conftest import card, save
from tests.weights.test_torch_file import OrderedDict, tensor, weights_file

keras = lazy("keras")
saving = lazy("medcnn.networks.saving")

pytestmark = pytest.mark.slow

Members = dict[str, bytes]
VALUES = [0, -1, 2**31, 2**63, 10**30, 1e308, float("nan"), "", "relu", None, True, [], {}, [2**31, 2**31]]


def zipped(members: Members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def leaves(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a JSON value with each key or index at which it holds something."""
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(value, dict | list):
            yield from leaves(value)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(2, 3, name="conv")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    saving.save(keras.Model(image, keras.layers.Dense(3, name="probabilities")(x), name="small"), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def child(members: Members) -> Iterator[Child]:
    with Child("keras", zipped(members)) as started:
        yield started


def test_a_damaged_onnx_file_is_a_model_or_refused() -> None:
    whole = hostile.nested(2).SerializeToString()

    @bounded(300)
    @given(damaged(whole))
    def check(case: bytes) -> None:
        started.outcome(case)

    with Child("onnx", whole) as started:
        check()


def test_a_damaged_exported_model_is_a_model_or_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "model.onnx", card()).read_bytes()

    @bounded(30)
    @given(damaged(whole))
    def check(case: bytes) -> None:
        started.outcome(case)

    with Child("exported", whole) as started:
        check()


def test_what_is_found_harmless_is_harmless_to_protobuf_too() -> None:
    """The walk over the bytes and protobuf must never read the same bytes in different ways."""
    outcomes = set()

    @bounded(1000)
    @given(damaged(hostile.external("weights.bin", "branch").SerializeToString()))
    def check(case: bytes) -> None:
        try:
            untrusted.refuse_unsafe(case)
            model = ModelProto.FromString(case)
        except (MedcnnError, DecodeError) as error:
            outcomes.add(type(error))
        else:
            outcomes.add(None)
            assert not any(tensor.external_data or tensor.data_location for tensor in tensors(model))

    check()
    assert {None, MedcnnError} <= outcomes


def tensors(message: Message) -> Iterator[TensorProto]:
    """Every stored tensor in a message, wherever it stands."""
    for field, value in message.ListFields():
        for part in value if field.is_repeated else [value]:
            if isinstance(part, TensorProto):
                yield part
            elif isinstance(part, Message):
                yield from tensors(part)


def test_damaged_pytorch_weights_are_tensors_or_refused() -> None:
    whole = weights_file(OrderedDict(x=tensor(6, (2, 3), (3, 1)), y=tensor(6, (2,), (2,), offset=1)))

    @bounded(300)
    @given(damaged(whole))
    def check(case: bytes) -> None:
        started.outcome(case)

    with Child("torch", whole) as started:
        check()


def test_a_damaged_description_of_a_network_is_a_model_or_refused(child: Child, members: Members) -> None:
    @bounded(60)
    @given(damaged(members["config.json"]))
    def check(case: bytes) -> None:
        child.outcome(zipped({**members, "config.json": case}))

    check()


def test_a_description_with_another_value_is_a_model_or_refused(child: Child, members: Members) -> None:
    @bounded(60)
    @given(st.integers(0, 10**6), st.sampled_from(VALUES))
    def check(position: int, value: object) -> None:
        config = json.loads(members["config.json"])
        places = list(leaves(config))
        parent, key = places[position % len(places)]
        parent[key] = value
        child.outcome(zipped({**members, "config.json": json.dumps(config).encode()}))

    check()


def test_damaged_weights_are_a_model_or_refused(child: Child, members: Members) -> None:
    @bounded(120)
    @given(damaged(members["model.weights.h5"]))
    def check(case: bytes) -> None:
        child.outcome(zipped({**members, "model.weights.h5": case}))

    check()


def test_a_damaged_keras_file_is_a_model_or_refused(child: Child, members: Members) -> None:
    @bounded(60)
    @given(damaged(zipped(members)))
    def check(case: bytes) -> None:
        child.outcome(case)

    check()


def test_a_damaged_zip_gives_its_members_or_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("yes/1.png", bytes(range(256)) * 20)
        archive.writestr("no/2.png", b"short")
    whole = file.getvalue()

    @bounded(300)
    @given(damaged(whole))
    def check(case: bytes) -> None:
        started.outcome(case)

    with Child("archive", whole) as started:
        check()
