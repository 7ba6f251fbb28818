"""The pages of a TIFF and the frames of an animated GIF, PNG or WebP, as Pillow opens them.

The second picture of a JPEG is a preview or a map of depth or light, never a page. In a TIFF, pages that are marked as
smaller versions of another or as masks are none, and nor are those that a slide scanner puts after its slide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from medcnn.reading import decode
from medcnn.reading.decode import Stored, UnreadableImageError
from medcnn.reading.formats import tiff
from medcnn.reading.formats.frames import Chosen, Frame, Frames, every

_ANIMATED = {"AVIF", "GIF", "PNG", "WEBP"}
_NEW_KIND, _OLD_KIND, _DESCRIPTION = 254, 255, 270
_REDUCED_OR_MASK = 0b101
_SLIDE = "Aperio"
_PIXELS = 1 << 31
"""Most pixels of all frames of an animation: a small file may hold many large frames that are empty."""


def pages(data: bytes, chosen: Chosen = every) -> Frames:
    """The pages of an image file of the usual formats, decoded one at a time, in their own mode.

    Args:
        data: the bytes of the file.
        chosen: which of so many pages.

    Raises:
        UnreadableImageError: it is not an image, or a broken or too large one.
    """
    every_page = _of_tiff(data) if tiff.is_tiff(data) else _of_other(data)
    for index in chosen(len(every_page)):
        stored = every_page[index]()
        yield Frame(str(index + 1), len(every_page), stored.mode, stored)


def _of_tiff(data: bytes) -> list[Callable[[], Stored]]:
    """What decodes each page of a TIFF."""
    with decode.translate_errors():
        found = list(tiff.directories(data))
    is_slide = str(found[0][1].get(_DESCRIPTION)).startswith(_SLIDE)
    wanted = found[:1] if is_slide else [page for page in found if _is_page(page[1])] or found[:1]
    return [partial(decode.tiff_page, data, at, tags) for at, tags in wanted]


def _is_page(tags: tiff.Tags) -> bool:
    kind = tags.get(_NEW_KIND)
    return not (isinstance(kind, int) and kind & _REDUCED_OR_MASK) and tags.get(_OLD_KIND) != 2


def _of_other(data: bytes) -> list[Callable[[], Stored]]:
    """What decodes each frame of an image."""
    image = decode.opened(data)
    with decode.translate_errors():
        count = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1
    if count == 1:
        return [partial(decode.stored, data, image)]
    if count > tiff.PAGES or count * math.prod(image.size) > _PIXELS:
        raise UnreadableImageError(f"{count} frames exceeds limit of {tiff.PAGES}, or of {_PIXELS} pixels in all")

    def at(number: int) -> Stored:
        with decode.translate_errors():
            image.seek(number)
        return decode.stored(data, image)

    return [partial(at, number) for number in range(count)]
