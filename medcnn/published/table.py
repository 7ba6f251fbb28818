"""The table of a study: every published model beside what is measured here, and why the two differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.params.shared.base import Block
from medcnn.params.shared.run import links
from medcnn.published.measured import Column, ColumnName, Figures, Measured
from medcnn.published.settings import Settings
from medcnn.published.studies import PublishedModel, PublishedStudy
from medcnn.runtime import paths


class Missing(Block):
    """An empty cell, and why it is empty."""

    missing: str


Cell = Figures | Missing


class Cells(Block):
    """A model here: on the honest split, and on the split as published."""

    ours: str | None
    honest: Cell
    as_published: Cell


class Row(Cells):
    """A published model. Differences are those of the honest split to what was published.

    Attributes:
        reasons: numbers of the reasons that concern it, from 1.
    """

    published: PublishedModel
    accuracy_difference: float | None
    loss_difference: float | None
    reasons: tuple[int, ...]


class Table(Block):
    """``metrics/published/S.json``; the reasons are numbered on from ``wrong_there`` to ``different_here``."""

    study: str
    title: str
    source: str
    published_test_images: int | None
    honest: Column | None
    as_published: Column | None
    best_here_on: Column | None = None
    best_here: Cells | None = None
    rows: tuple[Row, ...]
    also_measured: tuple[Cells, ...]
    wrong_there: tuple[str, ...]
    different_here: tuple[str, ...]

    @property
    def further(self) -> tuple[str, ...]:
        """The names of all figures that were published besides accuracy and loss on test."""
        return tuple(sorted({key for row in self.rows for key in row.published.further}))

    @property
    def measured(self) -> dict[ColumnName, Measured]:
        """The columns that hold figures."""
        columns: dict[ColumnName, Column | None] = {
            "honest": self.honest,
            "as_published": self.as_published,
            "best_here": self.best_here_on,
        }
        return {name: Measured(column, self._figures(name)) for name, column in columns.items() if column}

    def _figures(self, name: ColumnName) -> dict[str, Figures]:
        if name == "best_here":
            cells = {self.best_here.ours: self.best_here.honest} if self.best_here and self.best_here.ours else {}
        else:
            cells = {row.ours: getattr(row, name) for row in (*self.rows, *self.also_measured) if row.ours}
        return {model: cell for model, cell in cells.items() if isinstance(cell, Figures)}


def table(study: str, published: PublishedStudy, measured: Mapping[ColumnName, Measured], settings: Settings) -> Table:
    """Set a study as published beside its measured columns; cells without a figure say why."""
    cells = _Filled(study, published.networks, measured, settings)
    ours = [row.ours for row in published.rows]
    runs = [of_run for name, of_run in measured.items() if name != "best_here"]
    others = {model for of_run in runs for model in of_run.figures if model not in ours}
    columns = {name: of_run.column for name, of_run in measured.items()}
    return Table(
        study=study,
        title=settings.studies[study].title,
        source=published.source,
        published_test_images=published.test_images,
        honest=columns.get("honest"),
        as_published=columns.get("as_published"),
        best_here_on=columns.get("best_here"),
        best_here=cells.best(published.best_here),
        rows=tuple(_row(row, published, cells) for row in published.rows),
        also_measured=tuple(cells.of(model) for model in sorted(others)),
        wrong_there=tuple(reason.text for reason in published.wrong_there),
        different_here=tuple(reason.text for reason in published.different_here),
    )


def read(study: str) -> Table | None:
    """The table of a study as it was last written, if it was.

    Raises:
        MedcnnError: the file is not such a table.
    """
    path = paths.metrics("published", study)
    if not path.exists():
        return None
    try:
        return Table.model_validate(files.read_json(path))
    except ValueError as error:
        raise MedcnnError(f"{path} is not a table of this version: delete it and run `make published`") from error


class _Filled:
    """The cells of a study's models."""

    def __init__(
        self, study: str, networks: Sequence[str], measured: Mapping[ColumnName, Measured], settings: Settings
    ) -> None:
        self._study, self._measured, self._settings = study, measured, settings
        pairs = {name: links(name, settings.models) for name in networks}
        self._first_links = {name: first for name, (first, _) in pairs.items() if first}

    def of(self, model: str | None) -> Cells:
        return Cells(ours=model, honest=self._cell("honest", model), as_published=self._cell("as_published", model))

    def best(self, model: str) -> Cells:
        """The model that is best here, measured by a run of its own on the honest split."""
        return Cells(ours=model, honest=self._cell("best_here", model), as_published=Missing(missing="not published"))

    def _cell(self, name: ColumnName, model: str | None) -> Cell:
        if model is None:
            return Missing(missing="other images, no study here")
        measured = self._measured.get(name)
        if measured and model in measured.figures:
            return measured.figures[model]
        if not self._measured and not paths.raw(self._study).exists():
            return Missing(missing="no data on this machine")
        if name == "best_here":
            return Missing(missing="not run")
        measured_once = any(model in of_run.figures for of_run in self._measured.values())
        if not measured_once and self._lacks_weights(self._first_links.get(model, model)):
            return Missing(missing="no ImageNet weights on this machine")
        return Missing(missing="not run")

    def _lacks_weights(self, model: str) -> bool:
        spec = self._settings.models.get(model)
        return spec is not None and spec.weights == "imagenet" and not paths.weights(model).exists()


def _row(published: PublishedModel, study: PublishedStudy, cells: _Filled) -> Row:
    of_model = cells.of(published.ours)
    honest = of_model.honest if isinstance(of_model.honest, Figures) else None
    accuracy, loss = (honest.accuracy, honest.cross_entropy) if honest else (None, None)
    return Row(
        **dict(of_model),
        published=published,
        accuracy_difference=_difference(accuracy, published.accuracy),
        loss_difference=_difference(loss, published.loss),
        reasons=tuple(
            number for number, reason in enumerate(study.reasons, start=1) if reason.concerns(published.model)
        ),
    )


def _difference(measured: float | None, published: float | None) -> float | None:
    return None if measured is None or published is None else round(measured - published, files.DIGITS)
