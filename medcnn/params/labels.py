"""How the images of a study get their labels, their patients and their subgroups."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from medcnn.params.shared.base import Block, distinct
from medcnn.params.shared.classes import Classes


def without_keys(block: Any) -> Any:
    """An empty value of a key is a block without keys."""
    return {} if block is None else block


class Csv(Block):
    """Classes from a table inside the raw data: CSV in any dialect, Excel or Parquet."""

    file: str | None = None
    """Pattern of the file's path in the raw data; empty where folders name the classes. Of several files the rows are
    joined, and each file may name a part of the author's split."""
    image: str = "image"
    """Column of image names: with or without suffix and folders. In a table without a header `#2` is the second one."""
    label: str = "label"
    """Column of label values."""
    columns: Annotated[tuple[str, ...], AfterValidator(distinct)] = ()
    """Instead of ``label``, a column for each class, of which one is 1 in every row; patterns match their names. With
    ``multi_label`` any number of them is 1; rows that say -1, uncertain, are set aside."""
    separator: Annotated[str, Field(min_length=1)] = "|"
    """What separates several findings in ``label`` where ``multi_label`` is set."""
    group: str | None = None
    """Column that names the patient."""
    split: str | None = None
    """Column that names the part; the patterns of a split of kind ``author`` match it."""
    unlisted: Literal["set_aside", "by_folder"] = "set_aside"
    """Set images aside that the CSV does not list, or label them by their folder."""


class Labels(Classes, extra="forbid"):
    """Which images a study uses, their classes, patients and subgroups."""

    csv: Csv = Csv()
    """Classes from a CSV."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that are no images of the study."""
    group: str | None = None
    """Regular expression whose groups, found in a path or in ``csv.group``, name the patient."""
    dicom_group: Literal["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "AccessionNumber"] | None = None
    """DICOM element that names the patient where neither the CSV nor ``group`` does. Only a hash of it is kept."""
    aliases: Annotated[dict[str, str], BeforeValidator(without_keys)] = Field(default_factory=dict)
    """Patient by alias, where one came in under more than one name."""
    corrections: Annotated[str, Field(pattern=r"^corrections/[^/].*\.csv$")] | None = None
    """A file such as ``corrections/brain_mri.csv`` of images whose label is wrong, with columns ``path`` (of the
    manifest) and ``label``: the right class, or ``drop``. Rows without a label change nothing."""
    subgroups: Annotated[dict[str, tuple[float, ...]], BeforeValidator(without_keys)] = Field(default_factory=dict)
    """Columns of the CSV, such as sex, whose groups are evaluated apart; a column of numbers is cut into bands at the
    numbers given, one of words has none."""

    @field_validator("group")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value

    @field_validator("subgroups")
    @classmethod
    def _bands_rise(cls, subgroups: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        for column, cuts in subgroups.items():
            if list(cuts) != sorted(set(cuts)):
                raise ValueError(f"{column}: the numbers at which bands begin must rise, not {list(cuts)}")
        return subgroups

    @field_validator("aliases")
    @classmethod
    def _end_at_a_patient(cls, aliases: dict[str, str]) -> dict[str, str]:
        for alias, name in aliases.items():
            if name in aliases:
                raise ValueError(f"{alias} stands for {name}, which is an alias itself; name the patient: {alias}: ...")
        return aliases

    @model_validator(mode="after")
    def _fits_together(self) -> Labels:
        if self.aliases and not self.group and not (self.csv.file and self.csv.group):
            raise ValueError("aliases need group or csv.group, which name the patients")
        if self.subgroups and not self.csv.file:
            raise ValueError("subgroups are columns of the CSV, and csv.file is empty")
        return self
