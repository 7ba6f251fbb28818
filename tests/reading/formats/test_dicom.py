from __future__ import annotations

import io
import sys
from collections.abc import Callable

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, HTJ2KLossless, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats import dicom
from medcnn.reading.greys import Scaling

RAMP = np.arange(-100, 156, 1, np.int16).reshape(16, 16)


def scan(values: np.ndarray = RAMP, syntax: str = ExplicitVRLittleEndian, **elements: object) -> bytes:
    """A DICOM file of grey values (rows, columns), or (frames, rows, columns)."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.Rows, made.Columns = values.shape[-2:]
    made.BitsAllocated = made.BitsStored = values.dtype.itemsize * 8
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(values.dtype.kind == "i")
    if values.ndim == 3:
        made.NumberOfFrames = len(values)
    made.PixelData = values.tobytes()
    for key, value in elements.items():
        if value is None:
            delattr(made, key)
        else:
            setattr(made, key, value)
    if "PixelData" in made:
        made["PixelData"].VR = "OW"
    return written(made)


def written(made: Dataset) -> bytes:
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def compressed(kind: str, syntax: str, image: Image.Image, **elements: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    grey = np.asarray(image.convert("L"))
    return scan(grey, syntax, PixelData=encapsulate([file.getvalue()]), **elements)


def grey(data: bytes) -> list[np.ndarray]:
    return [np.asarray(frame.image)[..., 0].astype(int) for frame in dicom.frames(data)]


def refusal(data: bytes) -> str:
    with pytest.raises(UnreadableImageError) as raised:
        list(dicom.frames(data))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def near(seen: np.ndarray, expected: np.ndarray) -> bool:
    """Equal, but for the ends that percentiles cut off."""
    return bool(np.abs(seen.ravel() - expected.ravel()).max() <= 2)


def test_without_a_window_percentiles_are_black_and_white():
    (seen,) = grey(scan())
    assert near(seen, np.arange(256))


def test_eight_bits_without_a_window_stay_as_they_are():
    values = np.arange(60, 124, dtype=np.uint8).reshape(8, 8)
    assert (grey(scan(values))[0] == values).all()
    assert grey(scan(values, RescaleSlope=2, RescaleIntercept=-100))[0].max() == 255


def test_a_window_for_all_files_is_in_rescaled_values_whatever_the_file_states():
    data = scan(RescaleSlope=2, RescaleIntercept=-10, WindowCenter=40, WindowWidth=101)
    (frame,) = dicom.frames(data, scale=Scaling("values", -100, 100))
    expected = ((RAMP * 2 - 10 + 100) / 200).clip(0, 1) * 255
    assert np.abs(np.asarray(frame.image)[..., 0] - expected).max() <= 0.51
    (frame,) = dicom.frames(data, scale=Scaling("percentiles"))
    assert near(np.asarray(frame.image)[..., 0].astype(int), np.arange(256))


def test_slope_and_intercept_come_before_the_first_of_several_windows():
    (seen,) = grey(scan(RescaleSlope=2, RescaleIntercept=-10, WindowCenter=[40, 400], WindowWidth=[101, 2000]))
    expected = ((RAMP * 2 - 10 - 39.5) / 100 + 0.5).clip(0, 1) * 255
    assert np.abs(seen - expected).max() <= 0.5


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("LINEAR_EXACT", lambda values: ((values - 20) / 50 + 0.5).clip(0, 1)),
        ("SIGMOID", lambda values: 1 / (1 + np.exp(-4 * (values - 20) / 50))),
    ],
)
def test_the_functions_of_the_window(function: str, expected: Callable[[np.ndarray], np.ndarray]):
    (seen,) = grey(scan(WindowCenter=20, WindowWidth=50, VOILUTFunction=function))
    assert np.abs(seen - expected(RAMP.astype(float)) * 255).max() <= 0.51


def test_a_window_of_width_one_is_a_step():
    (seen,) = grey(scan(WindowCenter=20, WindowWidth=1))
    assert ((seen == 255) == (RAMP >= 20)).all()


def test_windows_are_those_of_pydicom():
    data = scan(RescaleSlope=1.5, RescaleIntercept=3, WindowCenter=30, WindowWidth=120)
    made = pydicom.dcmread(io.BytesIO(data))
    values = pydicom.pixels.apply_voi_lut(pydicom.pixels.apply_modality_lut(made.pixel_array, made), made)
    low, high = -32768 * 1.5 + 3, 32767 * 1.5 + 3
    assert np.abs(grey(data)[0] - (values - low) / (high - low) * 255).max() <= 0.51


def test_monochrome1_is_inverted_and_unsigned_values_are_not_negative():
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    assert near(grey(scan(values))[0], np.arange(256))
    assert near(grey(scan(values, PhotometricInterpretation="MONOCHROME1"))[0], 255 - np.arange(256))


def test_padding_does_not_take_part_in_the_stretch():
    values = RAMP.copy()
    values[0, 0] = -2000
    (seen,) = grey(scan(values, PixelPaddingValue=-2000))
    assert (seen[0, 0], seen[0, 1], seen[-1, -1]) == (0, 0, 255)
    values[:8] = np.arange(128).reshape(8, 16) - 2000
    (seen,) = grey(scan(values, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1800))
    assert not seen[:8].any()
    assert near(seen[8:], np.linspace(0, 255, 128))


def test_colours_of_more_than_eight_bits_share_a_window():
    colours = np.random.default_rng(0).integers(0, 4096, (16, 16, 3)).astype(np.uint16)
    made = pydicom.dcmread(io.BytesIO(scan(RAMP.astype(np.uint16))))
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.PixelData = colours.tobytes()
    (frame,) = dicom.frames(written(made), scale=Scaling("values", 0, 4095))
    assert (np.asarray(frame.image) == np.rint(colours / 4095 * 255)).all()


def test_a_voi_lut_comes_before_a_window():
    table = Dataset()
    table.LUTDescriptor = [256, 0, 8]
    table.add_new("LUTData", "US", list(range(255, -1, -1)))
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    (seen,) = grey(scan(values, VOILUTSequence=Sequence([table]), WindowCenter=5, WindowWidth=3))
    assert (seen == 255 - values.astype(int)).all()


def test_each_frame_has_its_own_description():
    groups = []
    for centre in (0, 100):
        window, group = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, 1
        group.FrameVOILUTSequence = Sequence([window])
        groups.append(group)
    first, second = grey(scan(np.stack([RAMP, RAMP]), PerFrameFunctionalGroupsSequence=Sequence(groups)))
    assert ((first == 255) == (RAMP >= 0)).all()
    assert ((second == 255) == (RAMP >= 100)).all()


def test_colours_and_palettes():
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    data = scan(RAMP.astype(np.uint8), SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    made = pydicom.dcmread(io.BytesIO(data))
    made.PixelData = colours.tobytes()
    (frame,) = dicom.frames(written(made))
    assert (np.asarray(frame.image) == colours).all()
    palette = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        palette[f"{name}PaletteColorLookupTableData"] = (np.arange(256, dtype=np.uint16) * 257).tobytes()
    assert (grey(scan(np.arange(256, dtype=np.uint8).reshape(16, 16), **palette))[0].ravel() == np.arange(256)).all()


def test_compressed_frames():
    image = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).resize((64, 64))
    for kind, syntax in (("JPEG", JPEGBaseline8Bit), ("JPEG2000", JPEG2000Lossless)):
        (seen,) = grey(compressed(kind, syntax, image, WindowCenter=128, WindowWidth=256))
        assert np.abs(seen - np.asarray(image)).mean() < 4
    made = pydicom.dcmread(io.BytesIO(scan()))
    made.compress(RLELossless)
    assert near(grey(written(made))[0], np.arange(256))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    needs_other = scan(PixelData=encapsulate([b"\xff\xd8\xff\xf7" + bytes(60)]), syntax=HTJ2KLossless)
    assert "High-Throughput JPEG 2000" in refusal(needs_other)
    assert "pip install" in refusal(needs_other)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert refusal(scan_made_before) == "a DICOM file needs pydicom: pip install pydicom"


scan_made_before = scan()


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"PixelData": None}, "without an image"),
        ({"Rows": None}, "lacks Rows"),
        ({"PhotometricInterpretation": None, "BitsAllocated": None}, "lacks BitsAllocated, PhotometricInterpretation"),
        ({"Rows": 65535, "Columns": 65535}, "65535x65535"),
        ({"NumberOfFrames": 2**31 - 1}, "2147483647 frames"),
        ({"NumberOfFrames": 300}, "broken DICOM file"),
        ({"Rows": 0}, "x0 pixels"),
        ({"PixelData": b"\0\1"}, "broken DICOM file"),
        ({"BitsAllocated": 17}, "broken DICOM file"),
        ({"syntax": RLELossless, "PixelData": encapsulate([b"\x01" + bytes(100)])}, "broken DICOM file"),
        ({"syntax": RLELossless, "PixelData": encapsulate([bytes(5 << 20)])}, "a run-length frame of more than"),
        ({"syntax": JPEGBaseline8Bit, "PixelData": encapsulate([b"\xff\xd8" + bytes(9)])}, ""),
        (
            {"syntax": JPEG2000Lossless, "PixelData": encapsulate([b"\0\0\0\x0cjP  " + bytes(40)])},
            "a compressed frame that is broken",
        ),
        ({"syntax": "1.2.840.10008.1.2.1.99"}, "deflated"),
    ],
)
def test_hostile_files_get_one_reason(elements: dict[str, object], reason: str):
    syntax = str(elements.get("syntax", ExplicitVRLittleEndian))
    others = {key: value for key, value in elements.items() if key != "syntax"}
    assert reason in refusal(scan(syntax=syntax, **others))


def test_lengths_that_lie_and_endless_nesting():
    data = scan(RescaleSlope=1)
    at = data.rindex(b"\xe0\x7f\x10\x00OW")
    for length in (0, 1, 511, 2**32 - 1):
        assert refusal(data[: at + 8] + length.to_bytes(4, "little") + data[at + 12 :])
    # What is there is enough for the one frame.
    assert len(grey(data[: at + 8] + (2**31).to_bytes(4, "little") + data[at + 12 :])) == 1
    nested = (
        b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
        + b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" * 5000
    )
    head = data[: data.index(b"\x28\x00\x02\x00")]
    assert refusal(head + nested)
    assert "items" in refusal(head + b"\xfe\xff\x00\xe0\0\0\0\0" * 200_000)
    assert refusal(b"\0" * 128 + b"DICM")
