"""Groups of images: patients joined with duplicates, which are independent of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medcnn.console import MedcnnError


def of_images(image_ids: Sequence[str], groups: Mapping[str, str]) -> list[str]:
    """The group of each image.

    Args:
        image_ids: as predictions name them.
        groups: the group of each image of the manifest.

    Raises:
        MedcnnError: the manifest lacks an image.
    """
    absent = next((image_id for image_id in image_ids if image_id not in groups), None)
    if absent is not None:
        raise MedcnnError(f"image {absent} of the predictions is not in the manifest; run `dvc repro`")
    return [groups[image_id] for image_id in image_ids]
