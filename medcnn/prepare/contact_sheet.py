"""The contact sheet: a few training images over their augmented views, to be looked at before training."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from medcnn.dataset.manifest import Row
from medcnn.dataset.shards import Rows

COLUMNS = 8
_TILE = 112
_GAP = 4
_CAPTION = 18
_PAPER = (250, 250, 250)
_INK = (40, 40, 40)


def contact_sheet(rows: Sequence[Row], images: Rows, views: Rows) -> bytes:
    """A PNG: one column per image (classes in turn), the original on top, its views below.

    Args:
        rows: the manifest's used rows.
        images: uint8 (N, S, S, 3), in the order of ``rows``.
        views: uint8 (K, N_train, S, S, 3), in the order of the training rows.
    """
    training = [index for index, row in enumerate(rows) if row.split == "train"]
    chosen = _spread(training, rows)
    size = (_GAP + len(chosen) * (_TILE + _GAP), _CAPTION + (1 + len(views)) * (_TILE + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, index in enumerate(chosen):
        left = _GAP + column * (_TILE + _GAP)
        draw.text((left, 2), rows[index].label[:18], fill=_INK)
        stack = [images[index], *views[:, training.index(index)]]
        for line, tile in enumerate(stack):
            top = _CAPTION + line * (_TILE + _GAP)
            sheet.paste(Image.fromarray(tile).resize((_TILE, _TILE)), (left, top))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _spread(training: Sequence[int], rows: Sequence[Row]) -> list[int]:
    """Up to ``COLUMNS`` training images, the classes in turn, the first of each group only."""
    queues: dict[str, list[int]] = {}
    seen: set[str] = set()
    for index in training:
        if rows[index].group not in seen:
            seen.add(rows[index].group)
            queues.setdefault(rows[index].label, []).append(index)
    share = max(COLUMNS // max(len(queues), 1), 1)
    return [index for label in sorted(queues) for index in queues[label][:share]][:COLUMNS]
