from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper

from medcnn.core import untrusted
from medcnn.core.errors import MedcnnError
from medcnn.inference import sessions
from tests.inference import hostile
from tests.project import ROOT

IMAGES = np.ones((2, hostile.SIDE, hostile.SIDE, 3), np.float32)


def opened(model: ModelProto) -> onnxruntime.InferenceSession:
    return sessions.session(model.SerializeToString(), Path("model.onnx"))


def refusal(model: ModelProto) -> str:
    with pytest.raises(MedcnnError) as caught:
        opened(model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_answers_for_any_number_of_images(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(hostile.plain().SerializeToString())
    session = sessions.load(path)
    np.testing.assert_array_equal(sessions.probabilities(session, IMAGES), [[2, 3, 4]] * 2)
    np.testing.assert_array_equal(sessions.probabilities(session, IMAGES[:1]), [[2, 3, 4]])


def test_nothing_but_onnx_runtime_and_numpy_is_needed() -> None:
    code = (
        "import sys; from medcnn.inference import sessions; "
        "print({name.split('.')[0] for name in sys.modules} & {'onnx', 'google', 'tensorflow', 'pydantic', 'pandas'})"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "set()\n"


def test_an_absent_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"model\.onnx not found: export the model first \(`dvc repro`\)$"):
        sessions.load(tmp_path / "model.onnx")


def test_a_file_larger_than_any_model_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        os.truncate(file.fileno(), untrusted.LIMIT + 1)
    with pytest.raises(MedcnnError, match="is too large to be an ONNX model"):
        sessions.load(path)


def test_a_hostile_file_is_one_clear_line() -> None:
    message = refusal(hostile.external("/etc/hostname", "branch"))
    assert message == "model.onnx was not opened: it keeps data in other files"


def test_a_broken_graph_is_one_clear_line() -> None:
    broken = hostile.model([helper.make_node("Add", ["average", "absent"], ["probabilities"])])
    assert refusal(broken).startswith(f"model.onnx: ONNX Runtime {onnxruntime.__version__} cannot open it: ")


def test_onnx_runtimes_own_format_is_refused(tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    content = hostile.plain().SerializeToString()
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    unchecked = (tmp_path / "model.ort").read_bytes()
    # It is told by four bytes and else opened like any other.
    onnxruntime.InferenceSession(unchecked, providers=["CPUExecutionProvider"])
    with pytest.raises(MedcnnError, match="is not an ONNX model"):
        sessions.session(unchecked, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ([hostile.port("picture", "batch", 4, 4, 3)], [hostile.port("probabilities", "batch", 4, 4, 3)]),
        ([hostile.port("image", "batch", 4, 4, 3)], [hostile.port("probabilities", "batch", 4, 4, 3)]),
        ([hostile.port("image", "batch", 3)], [hostile.port("probabilities", "batch", 3)]),
        ([hostile.port("image", "batch", 4, 4, 3)], [hostile.port("answer", "batch", 4, 4, 3)]),
        (
            [hostile.port("image", "batch", 4, 4, 3, kind=TensorProto.DOUBLE)],
            [hostile.port("probabilities", "batch", 4, 4, 3, kind=TensorProto.DOUBLE)],
        ),
    ],
)
def test_a_model_with_other_ports_is_refused(inputs: list, outputs: list) -> None:
    node = helper.make_node("Identity", [inputs[0].name], [outputs[0].name])
    graph = helper.make_graph([node], "other", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    assert refusal(model).startswith("model.onnx is not a model of this program: it should map floats image ")


def test_images_of_another_size_are_one_clear_line() -> None:
    with pytest.raises(MedcnnError, match=r"could not run the model on \(1, 9, 9, 3\): .*invalid dimensions") as caught:
        sessions.probabilities(opened(hostile.plain()), np.zeros((1, 9, 9, 3), np.float32))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["ConstantOfShape", "Expand", "Tile", "Range", "Pad"])
@pytest.mark.parametrize("elements", [3 * 10**9, 10**12])
def test_a_small_file_cannot_take_all_memory(how: str, elements: int) -> None:
    model = hostile.growing(how, elements)
    with pytest.raises(MedcnnError, match=r"^(ONNX Runtime could not run|model\.onnx: ONNX Runtime)") as caught:
        sessions.probabilities(opened(model), IMAGES)
    assert "\n" not in str(caught.value)
