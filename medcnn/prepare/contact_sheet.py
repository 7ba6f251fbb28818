"""The contact sheet: a few training images over their augmented views, to be looked at before training."""

from __future__ import annotations

import io

import pandas as pd
from PIL import Image, ImageDraw

from medcnn.dataset import manifest
from medcnn.dataset.shards import Rows

COLUMNS = 8
_TILE = 112
_GAP = 4
_CAPTION = 18
_PAPER = (250, 250, 250)
_INK = (40, 40, 40)


def contact_sheet(rows: pd.DataFrame, images: Rows, views: Rows) -> bytes:
    """A PNG: one column per image (classes in turn), the original on top, its views below.

    Args:
        rows: split, label and group of the manifest's used rows.
        images: uint8 (N, S, S, 3), in the order of ``rows``.
        views: uint8 (K, N_train, S, S, 3), in the order of the training rows.
    """
    training = manifest.indices(rows, "train")
    chosen = _spread(rows)
    size = (_GAP + len(chosen) * (_TILE + _GAP), _CAPTION + (1 + len(views)) * (_TILE + _GAP))
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, index in enumerate(chosen):
        left = _GAP + column * (_TILE + _GAP)
        draw.text((left, 2), rows["label"].iloc[index][:18], fill=_INK)
        stack = [images[index], *views[:, training.index(index)]]
        for line, tile in enumerate(stack):
            top = _CAPTION + line * (_TILE + _GAP)
            sheet.paste(Image.fromarray(tile).resize((_TILE, _TILE)), (left, top))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _spread(rows: pd.DataFrame) -> list[int]:
    """Positions of up to ``COLUMNS`` training images, as many of each class, the first of each group only."""
    firsts = rows[rows["split"] == "train"].drop_duplicates("group").sort_values("label", kind="stable")
    share = max(COLUMNS // max(firsts["label"].nunique(), 1), 1)
    return firsts.groupby("label").head(share).index[:COLUMNS].tolist()
