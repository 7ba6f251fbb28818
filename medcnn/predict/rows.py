"""From files to rows: decoded in threads a little ahead, run in batches, in the order of the files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import cast

import numpy as np

from medcnn.predict import deciding
from medcnn.predict.inputs import Source
from medcnn.predict.model import Model
from medcnn.reading.decode import Fit, UnreadableImageError, resize
from medcnn.reading.pictures import VOLUMES, pictures

_TOGETHER = 16
"""Pictures of one file that may wait in memory."""
_LARGE = 16 << 20
"""Bytes of a file that is decoded only when its turn comes, so that no two such files are in memory."""


@dataclass(frozen=True)
class Row:
    """What is predicted for one image.

    Attributes:
        path: its file, with the number of the frame or slice.
        label: the predicted class; None where no class reaches its threshold, and where there is an error.
        probabilities: calibrated, by class; empty where there is an error.
        prediction_set: the classes that the image may be of.
        novelty: its score; above the model's threshold it is unlike the training images.
        unlike: whether it is unlike them.
        error: why there is no prediction.
        pixels: uint8 (S, S, 3), as the network saw them.
        explanation: name of the picture of it in the folder of ``--explain``.
    """

    path: str
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    prediction_set: Sequence[str] = ()
    novelty: float = 0.0
    unlike: bool = False
    error: str | None = None
    pixels: np.ndarray | None = None
    explanation: str | None = None


@dataclass(frozen=True)
class Options:
    """How rows are made.

    Attributes:
        levels: by class, the probability from which it is predicted.
        threads: how many decode.
        batch: images in a run.
        advance: called when a file is done.
    """

    levels: Mapping[str, float]
    threads: int
    batch: int
    advance: Callable[[], None]


def rows(sources: Sequence[Source], model: Model, options: Options) -> Iterator[Row]:
    """One row per image of the sources, in their order.

    Raises:
        MedcnnError: the model cannot be run.
    """
    waiting: list[Row] = []
    for row in _decoded(sources, model, options):
        waiting.append(row)
        if len(waiting) == options.batch:
            yield from _answered(waiting, model, options.levels)
            waiting = []
    yield from _answered(waiting, model, options.levels)


def _decoded(sources: Sequence[Source], model: Model, options: Options) -> Iterator[Row]:
    """Rows with pixels or an error, in order, decoded ahead of their use by about a batch."""
    ahead: deque[Future[tuple[list[Row], Iterator[Row]]]] = deque()
    left = iter(sources)
    with ThreadPoolExecutor(options.threads) as pool:
        try:
            while True:
                for source in islice(left, options.batch + 2 * options.threads - len(ahead)):
                    ahead.append(pool.submit(_started, source, model))
                if not ahead:
                    return
                first, others = ahead.popleft().result()
                yield from first
                yield from others
                options.advance()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _started(source: Source, model: Model) -> tuple[list[Row], Iterator[Row]]:
    """The first pictures of a file, and an iterator of the others, which are decoded when they are asked for."""
    every = _pictures(source, model)
    if source.size > _LARGE or source.name.lower().endswith(VOLUMES):
        return [], every
    return list(islice(every, _TOGETHER)), every


def _pictures(source: Source, model: Model) -> Iterator[Row]:
    """The pictures of a file with their novelty, not yet classified; last an error, if there is one."""
    card = model.card
    fit = cast(Fit, card.fit)
    try:
        for picture in pictures(source.read(), source.name, card):
            pixels = resize(picture.image, card.image_size, fit)
            score = float(card.novelty.scores(pixels[None])[0])
            yield Row(source.name + picture.mark, novelty=score, unlike=score > card.novelty.threshold, pixels=pixels)
    except UnreadableImageError as error:
        yield Row(source.name, error=str(error))
    except OSError as error:
        yield Row(source.name, error=error.strerror or type(error).__name__)
    except MemoryError:
        yield Row(source.name, error="not enough memory")


def _answered(waiting: Sequence[Row], model: Model, levels: Mapping[str, float]) -> Iterator[Row]:
    seen = [row.pixels for row in waiting if row.pixels is not None]
    answers = iter(model.probabilities(np.stack(seen)) if seen else ())
    for row in waiting:
        yield row if row.pixels is None else _complete(row, next(answers), model, levels)


def _complete(row: Row, probabilities: np.ndarray, model: Model, levels: Mapping[str, float]) -> Row:
    """The row of an image with what the model says of it."""
    names = model.card.class_names
    if not np.isfinite(probabilities).all():
        return Row(row.path, error="the model's answer is not probabilities")
    return replace(
        row,
        label=deciding.predicted(probabilities, model.card, levels),
        probabilities=dict(zip(names, probabilities.tolist(), strict=True)),
        prediction_set=deciding.prediction_set(probabilities, model.card),
    )
