"""The pages of a TIFF and the frames of an animated GIF, PNG or WebP, as Pillow opens them.

The second picture of a JPEG is a preview or a map of depth or light, never a page. In a TIFF, pages that are marked as
smaller versions of another or as masks are none, and nor are those that a slide scanner puts after its slide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PIL import Image

from medcnn.reading import decode
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats.frames import Chosen, Frame, Frames, every

PAGES = 10_000
"""Most pages of a file."""
_SEVERAL = {"GIF", "PNG", "TIFF", "WEBP"}
_NEW_KIND, _OLD_KIND, _DESCRIPTION = 254, 255, 270
_REDUCED_OR_MASK = 0b101
_SLIDE = "Aperio"


def pages(data: bytes, chosen: Chosen = every) -> Frames:
    """The pages of an image file of the usual formats, decoded one at a time, in their own mode.

    Args:
        data: the bytes of the file.
        chosen: which of so many pages.

    Raises:
        UnreadableImageError: it is not an image, or a broken or too large one.
    """
    image = decode.opened(data)
    with decode.translate_errors():
        positions = _positions(image)
    for index in chosen(len(positions)):
        if len(positions) > 1:
            with decode.translate_errors():
                image.seek(positions[index])
        stored = decode.stored(data, image)
        yield Frame(str(index + 1), len(positions), stored.mode, stored)


def _positions(image: Image.Image) -> list[int]:
    """Where the pages of a file are."""
    if image.format not in _SEVERAL or not getattr(image, "is_animated", False):
        return [0]
    if image.format == "TIFF":
        directories = list(_directories(image))
        is_slide = str(directories[0][_DESCRIPTION]).startswith(_SLIDE)
        found = [position for position, tags in enumerate(directories) if _is_page(tags)]
        return [0] if is_slide else found or [0]
    count = getattr(image, "n_frames", 1)
    if count > PAGES:
        raise UnreadableImageError(f"{count} frames exceeds limit of {PAGES}")
    return list(range(count))


def _directories(image: Any) -> Iterator[dict[int, object]]:
    """What each directory of a TIFF says of its kind; the image is left at its first page."""
    for position in range(PAGES + 1):
        try:
            image.seek(position)
        except EOFError:
            break
        if position == PAGES:
            raise UnreadableImageError(f"more than {PAGES} pages")
        yield {tag: image.tag_v2.get(tag) for tag in (_NEW_KIND, _OLD_KIND, _DESCRIPTION)}
    image.seek(0)


def _is_page(tags: dict[int, object]) -> bool:
    kind = tags[_NEW_KIND]
    return not (isinstance(kind, int) and kind & _REDUCED_OR_MASK) and tags[_OLD_KIND] != 2
