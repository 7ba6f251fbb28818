from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from medcnn.core import untrusted
from medcnn.core.errors import MedcnnError
from medcnn.inference import sessions
from tests.inference import hostile

SECRET = np.array([5, 6, 7], "<f4")


def refusal(content: bytes) -> str:
    with pytest.raises(MedcnnError) as caught:
        untrusted.refuse_unsafe(content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_plain_network_passes() -> None:
    untrusted.refuse_unsafe(hostile.plain().SerializeToString())
    untrusted.refuse_unsafe(hostile.nested(2).SerializeToString())


@pytest.mark.parametrize("place", ["initializer", "attribute", "branch"])
@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "/etc/hostname", "*/_ORT_MEM_ADDR_/*"])
def test_data_in_other_files_is_refused_wherever_the_constant_stands(place: str, location: str) -> None:
    assert refusal(hostile.external(location, place).SerializeToString()) == "keeps data in other files"


def test_onnx_runtime_alone_would_read_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(SECRET.tobytes())
    content = hostile.external("secret.bin", "branch").SerializeToString()
    image = np.zeros((1, hostile.SIDE, hostile.SIDE, 3), np.float32)
    # Even though the model itself does not come from a file.
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"image": image})[0], [SECRET])
    with pytest.raises(MedcnnError, match="keeps data in other files"):
        sessions.session(content, Path("model.onnx"))


def test_a_location_without_a_list_of_files_is_refused_too() -> None:
    model = hostile.plain()
    model.graph.initializer[0].data_location = 1
    assert refusal(model.SerializeToString()) == "keeps data in other files"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (hostile.looping, "has a loop (operator 'Loop'), which may never end"),
        (hostile.with_functions, "brings functions of its own"),
        (hostile.sparse, "has sparse constants"),
        (hostile.foreign, "needs operators of 'com.microsoft', which are not of the ONNX standard"),
        (lambda: hostile.nested(20), "nests graphs more than 5 deep"),
    ],
)
def test_more_than_a_plain_network_is_refused(make, message: str) -> None:
    content = make().SerializeToString()
    assert refusal(content) == message


def test_a_loop_is_found_in_a_branch() -> None:
    model = hostile.nested(2)
    loop = hostile.looping().graph.node[-1]
    model.graph.node[1].attribute[0].g.node.append(loop)
    assert refusal(model.SerializeToString()).startswith("has a loop")


@pytest.mark.parametrize(
    "content", [b"not a model", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b\x0c", b"\x08" + b"\xff" * 11, b"\x3a\x05ab"]
)
def test_what_is_no_protobuf_is_refused(content: bytes) -> None:
    assert refusal(content).startswith("is not an ONNX model, or ")


def test_a_file_cut_short_anywhere_is_refused_or_passes_without_a_fault() -> None:
    content = hostile.external("weights.bin", "branch").SerializeToString()
    cut = [length for length in range(len(content)) if not _passes(content[:length])]
    assert len(cut) > 0.9 * len(content)


def test_millions_of_parts_are_refused() -> None:
    assert refusal(b"\x08\x01" * 1_000_001) == "has more than 1000000 parts"


def test_a_large_constant_is_not_looked_through() -> None:
    model = hostile.model([helper.make_node("Identity", ["average"], ["probabilities"])])
    model.graph.initializer.append(hostile.constant("large", np.full(2_000_000, 1e-38)))
    untrusted.refuse_unsafe(model.SerializeToString())


def _passes(content: bytes) -> bool:
    try:
        untrusted.refuse_unsafe(content)
    except MedcnnError:
        return False
    return True
