import hashlib
import io
import zipfile
from collections import Counter
from itertools import combinations

import imagehash
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medcnn.core.seeding import derived
from medcnn.download.phantom import lesions
from medcnn.download.phantom.brushes import pixel_grid
from medcnn.download.phantom.generating import CLASSES, generate, plan
from medcnn.params.sources import PhantomSource
from medcnn.params.splits import Duplicates

SMALL = PhantomSource(kind="phantom", patients=12, slices=4, image_size=64)
LOW = PhantomSource(kind="phantom", patients=100, slices=6, image_size=32)
FULL = PhantomSource(kind="phantom")
SHRUNKEN = [
    SMALL,
    *(PhantomSource(kind="phantom", patients=p, slices=s, image_size=32) for p, s in [(8, 2), (8, 3), (9, 24)]),
]


def contents(source, folder):
    generate(source, folder / "phantom.zip")
    with zipfile.ZipFile(folder / "phantom.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return contents(SMALL, tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def low(tmp_path_factory):
    return contents(LOW, tmp_path_factory.mktemp("low"))


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def planted(source, kind):
    return [member for member in plan(source) if member.planted == kind]


def honest(source, data):
    members = planted(source, None)
    images = np.stack([pixels(data[member.path]) for member in members]).astype(float)
    return members, images


def thumbnail(image):
    return np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR), float).ravel()


def looks_alike(one, other):
    rule = Duplicates()
    apart = imagehash.phash(Image.fromarray(one)) - imagehash.phash(Image.fromarray(other))
    return apart <= rule.hamming and np.corrcoef(thumbnail(one), thumbnail(other))[0, 1] >= rule.correlation


def test_two_runs_give_the_same_bytes_and_another_seed_gives_others(tmp_path):
    for name in ("one", "two"):
        generate(SMALL, tmp_path / name)
    generate(SMALL.model_copy(update={"seed": 8}), tmp_path / "three")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes() != (tmp_path / "three").read_bytes()


def test_pixels_are_the_ones_of_every_other_machine(small):
    digest = hashlib.sha256()
    for member in plan(SMALL):
        if member.planted != "unreadable" and member.how != "jpeg":
            digest.update(member.path.encode() + pixels(small[member.path]).tobytes())
    assert digest.hexdigest() == "fb72500ecebd56c51b34cc19f8c58585bc770ea533dca7286ba0fcde3213daad"


def test_archive_carries_no_clock_and_lists_what_the_plan_says(tmp_path):
    generate(SMALL, tmp_path / "phantom.zip")
    with zipfile.ZipFile(tmp_path / "phantom.zip") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == [member.path for member in plan(SMALL)]
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {(entry.date_time, entry.compress_type) for entry in entries} == {((1980, 1, 1, 0, 0, 0), 0)}


def test_default_set_has_about_600_images_in_balanced_classes():
    counts = Counter(member.planted for member in plan(FULL))
    assert counts == {None: 600, "exact": 15, "near": 15, "mislabelled": 3, "unreadable": 3}
    labels = Counter(member.label for member in planted(FULL, None))
    assert set(labels) == set(CLASSES)
    assert all(135 <= count <= 165 for count in labels.values())


def test_a_patient_has_one_lesion_kind_at_most_and_may_have_healthy_slices():
    kinds = {number: set() for number in range(1, FULL.patients + 1)}
    for member in planted(FULL, None):
        kinds[member.patient].add(member.label)
    assert all(len(labels - {"healthy"}) <= 1 for labels in kinds.values())
    assert any(len(labels) == 2 for labels in kinds.values())


@pytest.mark.parametrize("source", SHRUNKEN, ids=str)
def test_a_shrunken_set_still_has_every_class_and_every_fault(source):
    members = plan(source)
    assert len({member.path for member in members}) == len(members)
    assert len(planted(source, None)) == source.patients * source.slices
    assert {member.label for member in planted(source, None)} == set(CLASSES)
    assert {member.planted for member in members} == {None, "exact", "near", "mislabelled", "unreadable"}
    assert {member.how for member in planted(source, "unreadable")} == {"truncated", "empty", "text"}


@pytest.mark.parametrize("source", [*SHRUNKEN, FULL], ids=str)
def test_copies_lie_in_another_patients_folder_of_the_same_class(source):
    truth = {member.path: member for member in plan(source)}
    for copy in planted(source, "exact") + planted(source, "near"):
        original = truth[copy.of]
        assert original.planted is None
        assert copy.label == original.label
        assert copy.patient != original.patient
        assert f"/{copy.label}/patient_{copy.patient:03d}/" in copy.path


def test_exact_copies_have_the_bytes_of_their_slice_and_no_other_slices_do(small):
    pairs = {
        frozenset((member.path, member.of)) for kind in ("exact", "mislabelled") for member in planted(SMALL, kind)
    }
    readable = [member.path for member in plan(SMALL) if member.planted != "unreadable"]
    assert {frozenset(pair) for pair in combinations(readable, 2) if small[pair[0]] == small[pair[1]]} == pairs


def test_mislabelled_files_show_one_slice_under_two_classes(small):
    truth = {member.path: member for member in plan(SMALL)}
    for copy in planted(SMALL, "mislabelled"):
        assert small[copy.path] == small[copy.of]
        assert copy.label != truth[copy.of].label
        assert copy.patient == truth[copy.of].patient


def test_unreadable_files_are_refused_by_pillow_and_all_others_open(small):
    for member in plan(SMALL):
        if member.planted == "unreadable":
            with pytest.raises(OSError, match=r"cannot identify|truncated"):
                pixels(small[member.path])
        else:
            assert pixels(small[member.path]).shape == (64, 64)


@pytest.mark.parametrize("size", [32, 64])
def test_near_copies_differ_in_bytes_and_look_alike_however_small(size, tmp_path):
    source = PhantomSource(kind="phantom", patients=40, slices=4, image_size=size)
    data = contents(source, tmp_path)
    copies = planted(source, "near")
    assert {copy.how for copy in copies} == {"noisier", "screenshot", "shifted", "jpeg"}
    for copy in copies:
        assert data[copy.path] != data[copy.of]
        assert looks_alike(pixels(data[copy.path]), pixels(data[copy.of])), copy


@pytest.mark.slow
def test_in_the_default_set_near_copies_look_alike_and_slices_of_two_patients_never_do(tmp_path):
    data = contents(FULL, tmp_path)
    assert all(looks_alike(pixels(data[copy.path]), pixels(data[copy.of])) for copy in planted(FULL, "near"))
    members, images = honest(FULL, data)
    closeness = np.corrcoef([thumbnail(image.astype(np.uint8)) for image in images])
    patients = np.array([member.patient for member in members])
    assert closeness[patients[:, None] != patients].max() < 0.95
    twice = [(i, i + 1) for i in range(len(members) - 1) if patients[i] == patients[i + 1]]
    assert np.mean([closeness[pair] >= 0.98 for pair in twice]) < 0.05


def test_slices_of_a_patient_share_their_anatomy(low):
    members, images = honest(LOW, low)
    closeness = np.corrcoef(images.reshape(len(images), -1))
    patients = np.array([member.patient for member in members])
    same = patients[:, None] == patients
    np.fill_diagonal(closeness, np.nan)
    assert np.nanmean(closeness[same]) > np.nanmean(closeness[~same]) + 0.1
    assert (patients[np.nanargmax(closeness, axis=1)] == patients).mean() > 0.75


def test_brightness_alone_does_not_tell_the_lesion_kinds_apart(low):
    members, images = honest(LOW, low)
    ill = [index for index, member in enumerate(members) if member.label != "healthy"]
    lung_side = images[ill][:, 6:26, 16:]
    brightness = np.stack([images[ill].mean(axis=(1, 2)), lung_side.mean(axis=(1, 2)), images[ill].std(axis=(1, 2))], 1)
    scores = cross_val_score(
        make_pipeline(StandardScaler(), LogisticRegression()),
        brightness,
        [members[index].label for index in ill],
        groups=[members[index].patient for index in ill],
        cv=GroupKFold(5),
    )
    assert scores.mean() < 0.45


@pytest.fixture(scope="module")
def drawn():
    """Each kind of lesion in one place, drawn into a field of lung: the rise over it, in units of the contrast."""
    centre, lung = np.zeros((8, 1, 1)), np.ones((8, 128, 128))
    place = lesions.Place(centre, centre, centre + 0.25, 80.0)
    rises = {}
    for kind in lesions.KINDS:
        image = np.full(lung.shape, lesions.LUNG)
        lesions.draw(image, lung, kind, place, derived("lesion"), pixel_grid(128))
        rises[kind] = (image - lesions.LUNG) / 80
    return rises


def test_lesion_kinds_add_the_same_amount_of_light(drawn):
    disc = np.pi * (0.25 * 64) ** 2
    for kind, rise in drawn.items():
        assert np.mean(rise.sum(axis=(1, 2))) == pytest.approx(disc, rel=0.08), kind


def test_lesion_kinds_differ_in_shape_edge_and_texture(drawn):
    def edge(kind):
        return np.mean(np.abs(np.diff(drawn[kind] > 0.5, axis=2)))

    def core_variation(kind):
        return drawn[kind][:, 60:68, 60:68].std()

    assert edge("spiculated") > 1.5 * edge("nodule")
    assert core_variation("ground_glass") > 10 * max(core_variation("nodule"), core_variation("spiculated"), 0.01)
    rim = drawn["ground_glass"][:, 64, :]
    assert np.mean((rim > 0.02) & (rim < 0.98)) > 2 * np.mean((drawn["nodule"][:, 64, :] % 1) > 0.02)
