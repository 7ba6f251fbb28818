"""Tiny archives in the exact layouts of the five published studies, a function a study; the same bytes every time.

Each function writes one zip and returns its path. Pictures are told apart by a number: the same number is the same
picture, in the same encoding the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

_SIZE = (56, 48)
_JUNK = b"\x00\x05\x16\x07Mac OS X"

CHEST_CT_FOLDERS = {
    "adenocarcinoma": "adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib",
    "large.cell.carcinoma": "large.cell.carcinoma_left.hilum_T2_N2_M0_IIIa",
    "normal": "normal",
    "squamous.cell.carcinoma": "squamous.cell.carcinoma_left.hilum_T1_N2_M0_IIIa",
}
LUNG_CT_FOLDERS = ("Cancerous", "Non-Cancerous")
LEUKEMIA_LABELS = "C-NMC_Leukemia/validation_data/C-NMC_test_prelim_phase_data_labels.csv"


def chest_ct(path: Path) -> Path:
    """64 images in the author's three parts, 16 a class; the tumours' folders are spelt otherwise in ``test``.

    Of the four normal test images three have an exact copy: two in ``train``, one in ``valid``. Tumours are PNG of
    mode RGBA; normal ones are PNG and JPEG. ``train`` also holds a brighter copy of one adenocarcinoma of ``test``.
    """
    members = {}
    for number, (name, suffixed) in enumerate(CHEST_CT_FOLDERS.items()):
        first = 100 * number
        for part, seeds in (("train", range(9)), ("valid", range(9, 12)), ("test", range(12, 16))):
            folder = name if part == "test" else suffixed
            for index, seed in enumerate(seeds):
                file, data = _chest_ct_file(name, index, first + seed)
                members[f"Data/{part}/{folder}/{file}"] = data
    normal = "Data/{}/normal/{}".format
    for part, index, copied in (("train", 0, 0), ("train", 1, 1), ("valid", 0, 2)):
        members[normal("test", _normal_name(copied))] = members[normal(part, _normal_name(index))]
    twin = Image.eval(_picture(12), lambda value: round(value * 0.9))
    members[f"Data/train/{CHEST_CT_FOLDERS['adenocarcinoma']}/000008 (6).png"] = _encoded(twin, "PNG")
    return _zip(path, members)


def brain_mri(path: Path) -> Path:
    """44 images, each there twice, of which two have an exact copy under another name.

    Names and modes are as mixed as in the original: .jpg, .JPG, .jpeg and .png files; some .jpg files are PNG inside;
    modes L, RGB, RGBA and P.
    """
    files = {f"yes/Y{number}.{_ending(number)}": _brain_file(number) for number in range(1, 25)}
    files |= {f"no/{number} no.{_ending(number)}": _brain_file(200 + number) for number in range(1, 15)}
    files |= {"no/N1.JPG": _jpeg(231), "no/No11.jpg": _png(232, "RGBA"), "no/no.jpg": _png(233, "P")}
    files |= {"no/no 1.jpg": files["no/1 no.jpeg"], "no/N2.JPG": _jpeg(234), "yes/Y99.JPG": files["yes/Y2.JPG"]}
    return _zip(path, files | {f"brain_tumor_dataset/{name}": data for name, data in files.items()})


def leukemia(path: Path) -> Path:
    """72 training cells of 24 patients in three folds, 16 labelled test cells of 8 patients, 5 unlabelled cells.

    UID_20 and UID_21 are one patient, and so are UID_51, UID_75 and UID_78, of whom UID_78 is in the test set. Three
    images have an exact copy in another fold.
    """
    members = dict(_leukemia_training())
    rows = ["Patient_ID,new_names,labels"]
    folder = "C-NMC_Leukemia/validation_data/C-NMC_test_prelim_phase_data"
    tested = [(patient, cell) for patient in ("57", "58", "60", "78", "H70", "H71", "H72", "H73") for cell in (1, 2)]
    for number, (patient, cell) in enumerate(tested, 1):
        kind = _kind(patient)
        rows.append(f"UID_{patient}_{cell}_1_{kind}.bmp,{number}.bmp,{int(kind == 'all')}")
        members[f"{folder}/{number}.bmp"] = _bmp(1000 + number)
    members[LEUKEMIA_LABELS] = "\r\n".join([*rows, ""]).encode()
    for number in range(1, 6):
        members[f"C-NMC_Leukemia/testing_data/C-NMC_test_final_phase_data/{number}.bmp"] = _bmp(2000 + number)
    return _zip(path, members)


def lung_ct(path: Path, folders: tuple[str, str] = LUNG_CT_FOLDERS) -> Path:
    """26 cancerous and 20 other slices, below three nested folders; ``folders`` are the spellings of the classes."""
    place = "CT-Scan images/CT-Scan images/CT-Scan Images"
    cancerous, other = folders
    members = {f"{place}/{cancerous}/{number}.jpg": _jpeg(number) for number in range(1, 27)}
    members |= {f"{place}/{other}/{number}.png": _png(100 + number, "L") for number in range(1, 21)}
    return _zip(path, members)


def chest_xray(path: Path) -> Path:
    """60 images of 44 patients, with a nested second copy and junk of macOS.

    ``test`` numbers its persons anew: its person1 is another patient than the person1 of ``train``. Modes are L, RGB
    and CMYK.
    """
    files = {}
    for person in range(1, 13):
        files[f"train/PNEUMONIA/person{person}_bacteria_{2 * person}.jpeg"] = _jpeg(10 * person, "L")
        files[f"train/PNEUMONIA/person{person}_virus_{2 * person + 1}.jpeg"] = _jpeg(10 * person + 1)
        examination = 114 + person
        files[f"train/NORMAL/IM-0{examination}-0001.jpeg"] = _jpeg(10 * person + 2, "L")
    for number in range(4):
        files[f"train/NORMAL/NORMAL2-IM-0{501 + number}-0001.jpeg"] = _jpeg(200 + number, "L")
        files[f"train/NORMAL/NORMAL2-IM-0{501 + number}-0001-0002.jpeg"] = _jpeg(210 + number, "L")
        files[f"val/PNEUMONIA/person{1946 + number}_bacteria_{4874 + number}.jpeg"] = _jpeg(220 + number)
        files[f"test/PNEUMONIA/person{1 + number}_virus_{6 + number}.jpeg"] = _jpeg(230 + number, "L")
        files[f"test/NORMAL/NORMAL2-IM-0{376 + number}-0001.jpeg"] = _jpeg(240 + number, "L")
        files[f"test/NORMAL/IM-000{1 + number}-0001.jpeg"] = _jpeg(250 + number, "CMYK" if number == 0 else "RGB")
    members = {f"chest_xray/{name}": data for name, data in files.items()}
    members |= {f"chest_xray/chest_xray/{name}": data for name, data in files.items()}
    members |= {f"chest_xray/__MACOSX/chest_xray/{_hidden(name)}": _JUNK for name in files}
    members |= {"__MACOSX/._chest_xray": _JUNK, "chest_xray/chest_xray/.DS_Store": _JUNK}
    return _zip(path, members)


def _chest_ct_file(name: str, index: int, seed: int) -> tuple[str, bytes]:
    if name != "normal":
        return f"{index:06d} (6).png", _png(seed, "RGBA")
    file = _normal_name(index)
    return file, _jpeg(seed) if file.endswith(".jpg") else _png(seed)


def _normal_name(index: int) -> str:
    return f"n{index}.jpg" if index % 2 else f"{index} (2).png"


def _ending(number: int) -> str:
    return ("jpg", "jpeg", "JPG", "jpg", "jpg", "png")[number % 6]


def _brain_file(number: int) -> bytes:
    kinds = (_jpeg(number), _jpeg(number, "L"), _jpeg(number), _png(number, "RGBA"), _png(number, "P"))
    return (*kinds, _png(number, "L"))[number % 6]


def _leukemia_training() -> Iterator[tuple[str, bytes]]:
    """Three cells of each patient, one a fold, so that the folds share every patient, as the original's do."""
    patients = ["11", "20", "21", "29", "37", "51", "75", *map(str, range(80, 87)), *(f"H{n}" for n in range(1, 11))]
    for place, patient in enumerate(patients):
        kind = _kind(patient)
        for fold in range(3):
            seed = 3 * place + fold
            name = f"UID_{patient}_{fold + 1}_{1 + place % 3}_{kind}.bmp"
            # One cell of each of three patients is there twice: its picture of fold 0 is in fold 1 as well.
            copied = patient in ("11", "80", "H1") and fold == 1
            yield f"C-NMC_Leukemia/training_data/fold_{fold}/{kind}/{name}", _bmp(seed - copied)


def _kind(patient: str) -> str:
    return "hem" if patient.startswith("H") else "all"


def _hidden(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/._{file}"


def _picture(number: int) -> Image.Image:
    """A smooth picture, unlike that of any other number."""
    colours = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(colours).resize(_SIZE, Image.Resampling.BICUBIC)


def _png(number: int, mode: str = "RGB") -> bytes:
    return _encoded(_picture(number).convert(mode), "PNG")


def _jpeg(number: int, mode: str = "RGB") -> bytes:
    return _encoded(_picture(number).convert(mode), "JPEG", quality=90)


def _bmp(number: int) -> bytes:
    return _encoded(_picture(number), "BMP")


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _zip(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path
