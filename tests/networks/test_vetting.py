"""Files that Keras would open, or begin to, and that are refused before it sees them."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from tests.lazy import lazy

keras = lazy("keras")
saving = lazy("medcnn.networks.saving")
vetting = lazy("medcnn.networks.vetting")

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """The members of a saved model."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Flatten(name="flatten")(image)
    saving.save(keras.Model(image, keras.layers.Dense(3, name="probabilities")(x), name="small"), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(path: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(MedcnnError) as caught:
        saving.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path} was not opened: it ")
    return message.removeprefix(f"{path} was not opened: it ")


def last_layer(members: Members, change: Callable[[dict[str, Any]], object]) -> Members:
    """The members with the description of the last layer changed."""
    config = json.loads(members["config.json"])
    change(config["config"]["layers"][-1])
    return {**members, "config.json": json.dumps(config).encode()}


def weights(members: Members, change: Callable[[h5py.Group, str], object]) -> Members:
    """The members with one array of weights, given by its group and name, taken out and something else put in."""
    file = io.BytesIO(members["model.weights.h5"])
    with h5py.File(file, "r+") as opened:
        found: list[str] = []
        opened.visit(lambda name: found.append(name) if isinstance(opened[name], h5py.Dataset) else None)
        group, name = found[0].rsplit("/", 1)
        del opened[found[0]]
        change(opened[group], name)
    return {**members, "model.weights.h5": file.getvalue()}


def test_the_saved_model_itself_is_opened(whole: Members, tmp_path: Path) -> None:
    assert saving.load(zipped(tmp_path / "model.keras", whole)).count_params() == 8 * 8 * 3 * 3 + 3


LAMBDA = keras.layers.Lambda(lambda x: x, name="probabilities")


@pytest.mark.parametrize(
    ("module", "name", "config"),
    [
        ("keras.layers", "Lambda", keras.saving.serialize_keras_object(LAMBDA)["config"]),
        ("keras.layers", "TFSMLayer", {"filepath": "/tmp/model"}),  # noqa: S108 (never opened)
        ("keras.layers", "StringLookup", {"vocabulary": "/etc/hostname"}),
        ("keras.utils", "get_file", {"origin": "http://127.0.0.1/"}),
        ("os", "system", {"command": "true"}),
        ("builtins", "function", "eval"),
        (None, "Dense", {"units": 3}),
        ("keras.src.models.cloning", "clone_model", {}),
        (["keras"], "Dense", {}),
    ],
)
def test_any_other_class_is_refused_wherever_it_stands(
    whole: Members, tmp_path: Path, module: Any, name: str, config: Any
) -> None:
    item = {"module": module, "class_name": name, "config": config, "registered_name": None}
    for place in ("layer", "activation", "deep"):
        changed = last_layer(whole, lambda layer, item=item, place=place: _put(layer, item, place))
        message = refusal(zipped(tmp_path / "model.keras", changed))
        assert message == f"asks for {module}.{name}, which no network of this program has"


def _put(layer: dict[str, Any], item: dict[str, Any], place: str) -> None:
    if place == "layer":
        layer.update(item)
    elif place == "activation":
        layer["config"]["activation"] = item
    else:
        layer["config"]["kernel_initializer"]["config"]["seed"] = [[{"seed": item}]]


def test_a_function_of_another_module_is_refused(whole: Members, tmp_path: Path) -> None:
    function = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    changed = last_layer(whole, lambda layer: layer["config"].update(activation=function))
    assert refusal(zipped(tmp_path / "model.keras", changed)).startswith("asks for os.function,")


def test_a_registered_name_is_refused(whole: Members, tmp_path: Path) -> None:
    changed = last_layer(whole, lambda layer: layer.update(registered_name="package>Dense"))
    assert refusal(zipped(tmp_path / "model.keras", changed)).startswith("asks for a registered class")


def test_an_optimizer_is_refused(whole: Members, tmp_path: Path) -> None:
    changed = last_layer(whole, lambda layer: layer.update(compile_config={"optimizer": "adam"}))
    assert refusal(zipped(tmp_path / "model.keras", changed)) == "says how to train it, which is not needed"


def test_variables_larger_than_the_file_are_never_made(whole: Members, tmp_path: Path) -> None:
    # 256 TB.
    changed = last_layer(whole, lambda layer: layer["config"].update(units=10**12 // 3))
    message = refusal(zipped(tmp_path / "model.keras", changed))
    assert message.startswith("describes a network of 25733333333")
    # Nor later, by whatever Keras does next.
    assert keras.layers.Dense(2)(np.ones((1, 3))).shape == (1, 2)
    assert saving.load(zipped(tmp_path / "model.keras", whole)).count_params() == 579


@pytest.mark.parametrize("link", [h5py.ExternalLink("secret.h5", "/numbers"), h5py.SoftLink("/numbers")])
def test_weights_behind_a_link_are_refused(whole: Members, tmp_path: Path, link: Any) -> None:
    changed = weights(whole, lambda group, name: group.__setitem__(name, link))
    assert refusal(zipped(tmp_path / "model.keras", changed)) == "has weights that lie elsewhere (a link)"


def test_weights_in_another_file_are_refused(whole: Members, tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.full((192, 3), 7, "<f4").tobytes())

    def outside(group: h5py.Group, name: str) -> None:
        group.create_dataset(name, (192, 3), "<f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])

    changed = weights(whole, outside)
    with h5py.File(io.BytesIO(changed["model.weights.h5"])) as file:
        read: list[float] = []
        file.visititems(lambda _, item: read.append(item[0, 0]) if getattr(item, "shape", ()) == (192, 3) else None)
    # It is there for anyone who reads the weights.
    assert read == [7]
    assert refusal(zipped(tmp_path / "model.keras", changed)) == "has weights that lie elsewhere (in another file)"


def test_weights_patched_together_from_other_files_are_refused(whole: Members, tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((192, 3), "<f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "numbers", (192, 3))
    changed = weights(whole, lambda group, name: group.create_virtual_dataset(name, layout))
    assert refusal(zipped(tmp_path / "model.keras", changed)) == "has weights that lie elsewhere (in another file)"


def test_weights_that_only_claim_a_size_are_refused(whole: Members, tmp_path: Path) -> None:
    changed = weights(whole, lambda group, name: group.create_dataset(name, (10**6, 10**6), "<f4"))
    assert refusal(zipped(tmp_path / "model.keras", changed)) == "has more weights than bytes"


@pytest.mark.parametrize("options", [{"chunks": (64, 3), "compression": "gzip"}, {"dtype": h5py.string_dtype()}])
def test_weights_in_another_form_are_refused(whole: Members, tmp_path: Path, options: dict[str, Any]) -> None:
    changed = weights(whole, lambda group, name: group.create_dataset(name, (192, 3), **{"dtype": "<f4", **options}))
    message = refusal(zipped(tmp_path / "model.keras", changed))
    assert message == "has weights that are not plain arrays of numbers"


def test_groups_that_hold_each_other_end(whole: Members, tmp_path: Path) -> None:
    changed = weights(whole, lambda group, name: group.__setitem__(name, group))
    assert refusal(zipped(tmp_path / "model.keras", changed)) == "has more weights than bytes"


@pytest.mark.parametrize("name", ["payload.pkl", "assets/vocabulary.txt", "../../outside", "model.weights.npz"])
def test_any_other_member_is_refused(whole: Members, tmp_path: Path, name: str) -> None:
    witness = tmp_path / "it_ran"
    members = {**whole, name: pickle.dumps(Attack(witness))}
    assert refusal(zipped(tmp_path / "model.keras", members)).endswith("model.weights.h5 and nothing else")
    assert not witness.exists()


class Attack:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.witness), "w")


def test_a_compressed_file_is_refused_unread(whole: Members, tmp_path: Path) -> None:
    members = {**whole, "model.weights.h5": bytes(100_000_000)}
    path = zipped(tmp_path / "model.keras", members, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1_000_000
    assert refusal(path) == "is compressed, which Keras never does"


def test_an_endless_description_is_refused(whole: Members, tmp_path: Path) -> None:
    members = {**whole, "config.json": b" " * (vetting.CONFIG_LIMIT + 1)}
    assert refusal(zipped(tmp_path / "model.keras", members)).startswith("describes its network in more than")


def test_the_older_format_is_refused_under_any_name(whole: Members, tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path / "model.h5", whole)) == "is not a .keras file"
    path = tmp_path / "model.keras"
    path.write_bytes(whole["model.weights.h5"])
    with pytest.raises(MedcnnError, match=r"is not a model that Keras .* can read: File is not a zip file"):
        saving.load(path)


def test_a_deep_description_is_one_clear_line(whole: Members, tmp_path: Path) -> None:
    members = {**whole, "config.json": b"[" * 1_000_000}
    with pytest.raises(MedcnnError, match="is not a model that Keras") as caught:
        saving.load(zipped(tmp_path / "model.keras", members))
    assert "\n" not in str(caught.value)
