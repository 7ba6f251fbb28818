from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.weights import torch_file

FACTS = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Name:
    """Pickles as a bare global of any module, installed or not."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """Pickles as a call of a global."""

    def __init__(self, function: Name, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class Outside:
    """Pickles as a persistent id."""

    def __init__(self, pid: Any) -> None:
        self.pid = pid


class TorchPickler(pickle._Pickler):  # type: ignore[misc,name-defined]
    """Writes globals by name alone, as a file from another machine has them."""

    def persistent_id(self, obj: Any) -> Any:
        return obj.pid if isinstance(obj, Outside) else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Name):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


def pickled(value: Any) -> bytes:
    file = io.BytesIO()
    TorchPickler(file, protocol=2).dump(value)
    return file.getvalue()


def storage(count: Any, key: Any = "0", kind: str = "FloatStorage") -> Outside:
    return Outside(("storage", Name("torch", kind), key, "cpu", count, None))


def tensor(count: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> Call:
    rebuild = Name("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage(count), offset, shape, strides, False, OrderedDict())


def weights_file(state: Any, numbers: np.ndarray | None = None, count: int | None = None) -> bytes:
    """A file as ``torch.save`` wrote it, with one storage."""
    if numbers is None:
        numbers = np.arange(6, dtype="<f4")
    head = [pickled(value) for value in (torch_file.MAGIC, torch_file.PROTOCOL, FACTS, state, ["0"])]
    length = struct.pack("<q", numbers.size if count is None else count)
    return b"".join([*head, length, numbers.tobytes()])


def refusal(data: bytes) -> str:
    with pytest.raises(MedcnnError) as caught:
        torch_file.read(data, "some.pth")
    message = str(caught.value)
    assert message.startswith("some.pth: ")
    assert "\n" not in message
    return message.removeprefix("some.pth: ")


def test_reads_tensors_in_their_order_with_offsets_and_strides() -> None:
    state = OrderedDict(
        whole=tensor(6, (2, 3), (3, 1)), turned=tensor(6, (3, 2), (1, 3)), part=tensor(6, (2,), (2,), offset=1)
    )
    arrays = torch_file.read(weights_file(state), "some.pth")
    assert list(arrays) == ["whole", "turned", "part"]
    np.testing.assert_array_equal(arrays["whole"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["turned"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(arrays["part"], [1, 3])
    assert arrays["whole"].dtype == np.float32


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch", "FloatStorage.__init__"),
        ("collections", "OrderedDict.fromkeys"),
        ("medcnn.weights.torch_file", "_Storage"),
    ],
)
def test_any_other_global_is_named_and_never_called(module: str, name: str, tmp_path: Path) -> None:
    witness = tmp_path / "it_ran"
    attack = Call(Name(module, name), f"touch {witness}")
    for data in (weights_file(OrderedDict(x=attack)), pickled(attack), weights_file(attack)):
        assert refusal(data) == f"asks for {module}.{name}, but only tensors are allowed"
    assert not witness.exists()


def test_python_code_in_a_pickle_does_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "it_ran"
    refusal(weights_file(Call(Name("builtins", "eval"), f"open({str(witness)!r}, 'w')")))
    refusal(pickle.dumps(Attack(witness), protocol=0))
    refusal(pickle.dumps(Attack(witness), protocol=4))
    assert not witness.exists()
    # The same bytes do harm where they are trusted: the attack itself is real.
    pickle.loads(pickle.dumps(Attack(witness)))  # noqa: S301
    assert witness.exists()


@pytest.mark.parametrize(
    "known", ["torch._utils\n_rebuild_tensor_v2", "torch\nFloatStorage", "collections\nOrderedDict"]
)
@pytest.mark.parametrize("state", [b"}X\x04\x00\x00\x00readK\x00s", b"N}X\x04\x00\x00\x00readK\x00s\x86"])
def test_a_pickle_changes_nothing_that_it_reaches(known: str, state: bytes) -> None:
    # Opcode b sets attributes of what stands on the stack: a dictionary's, and a pair's second one by setattr.
    refusal(b"\x80\x02c" + known.encode() + b"\n" + state + b"b.")
    data = weights_file(OrderedDict(x=tensor(6, (6,), (1,))))
    np.testing.assert_array_equal(torch_file.read(data, "some.pth")["x"], np.arange(6))


class Attack:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return open, (str(self.witness), "w")


@pytest.mark.parametrize(
    "pid",
    [
        "0",
        0,
        ("module", Name("torch", "FloatStorage"), "0", "cpu", 6, None),
        ("storage", "FloatStorage", "0", "cpu", 6, None),
        ("storage", Name("torch", "FloatStorage"), 0, "cpu", 6, None),
        ("storage", Name("torch", "FloatStorage"), "0", "cpu", "6", None),
        ("storage", Name("torch", "FloatStorage"), "0", "cpu", 6, ("view", 0, 6)),
        ("storage", Name("torch", "FloatStorage"), "0", "cpu", 6, None, "more"),
    ],
)
def test_a_strange_outside_reference_is_refused(pid: Any) -> None:
    state = OrderedDict(x=Call(Name("torch._utils", "_rebuild_tensor_v2"), Outside(pid), 0, (6,), (1,), False, None))
    assert refusal(weights_file(state)) == "refers to an outside object, but only tensors are allowed"


def test_a_tensor_without_a_storage_is_refused() -> None:
    state = OrderedDict(x=Call(Name("torch._utils", "_rebuild_tensor_v2"), "storage", 0, (6,), (1,), False, None))
    assert refusal(weights_file(state)) == "a tensor without a storage"


def test_an_unknown_kind_of_number_is_refused() -> None:
    rebuild = Name("torch._utils", "_rebuild_tensor_v2")
    state = OrderedDict(x=Call(rebuild, storage(6, kind="BFloat16Storage"), 0, (6,), (1,), False, None))
    assert refusal(weights_file(state)) == "asks for torch.BFloat16Storage, but only tensors are allowed"


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((7,), (1,), 0),
        ((10**15,), (0,), 0),
        ((2, 3), (4, 1), 0),
        ((6,), (1,), 1),
        ((6,), (-1,), 0),
        ((6,), (1,), -1),
        ((-1,), (1,), 0),
        ((6,), (1, 1), 0),
        ((6,), (2**62,), 0),
        ((2, 3), (2**70, 1), 0),
        (("6",), (1,), 0),
    ],
)
def test_a_tensor_that_reaches_outside_of_its_storage_is_refused(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    refusal(weights_file(OrderedDict(x=tensor(6, shape, strides, offset))))


@pytest.mark.parametrize(
    ("promised", "counted"), [(7, 6), (6, 7), (7, 7), (6, 2**62), (2**62, 2**62), (6, -1), (-1, -1)]
)
def test_a_storage_that_lies_about_its_size_is_refused(promised: int, counted: int) -> None:
    refusal(weights_file(OrderedDict(x=tensor(promised, (6,), (1,))), count=counted))


def test_a_file_cut_short_anywhere_is_refused() -> None:
    data = weights_file(OrderedDict(x=tensor(6, (2, 3), (3, 1)), y=tensor(6, (6,), (1,))))
    for length in range(len(data)):
        refusal(data[:length])
    assert refusal(data[:-1]) == "the file ends too early"


def test_a_pickle_cannot_reserve_memory_without_end() -> None:
    # The unpickler of Python makes room for as many slots as the highest number that is named.
    bomb = b"\x80\x02K\x00r\xff\xff\xff\xff."
    tracemalloc.start()
    refusal(bomb)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_names_nested_without_end_are_refused() -> None:
    # Each tuple holds the one before twice: as the name of an item, its hash would take 2**50 steps.
    doubled = b"\x80\x02}K\x00" + b"q\x00h\x00\x86" * 50
    assert refusal(doubled + b"K\x00s.") == "holds something else than named tensors"


@pytest.mark.parametrize("state", [[1, 2], {"x": 1}, {1: tensor(6, (6,), (1,))}, tensor(6, (6,), (1,))])
def test_anything_but_named_tensors_is_refused(state: Any) -> None:
    assert refusal(weights_file(state)) == "holds something else than named tensors"


@pytest.mark.parametrize("data", [b"", b"not a pickle", pickled(1), pickled(torch_file.MAGIC) + pickled(1000)])
def test_another_file_is_refused(data: bytes) -> None:
    assert "not a PyTorch weights file" in refusal(data)


def test_the_zip_format_is_refused_by_name() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    message = refusal(file.getvalue())
    assert message == "a zip-based PyTorch file; only the older format, without zip, can be read"
