"""``python -m medcnn predict``: from the command line's arguments to an exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from medcnn.core import files
from medcnn.core.choices import offer
from medcnn.core.errors import BAD_INPUT, INTERRUPTED, MedcnnError, ParamsError
from medcnn.predict import deciding, inputs, occlusion, pseudonymous
from medcnn.predict.bar import ProgressBar
from medcnn.predict.model import Model, load
from medcnn.predict.output import Writer, writer
from medcnn.predict.rows import Options, Row, rows
from medcnn.runtime import paths

UNREADABLE = 3
BROKEN_PIPE = 141
"""What a shell reports of a program that SIGPIPE ended."""


class OutputError(MedcnnError):
    """The rows or pictures cannot be written where they should be."""

    exit_code = BAD_INPUT


def run(options: argparse.Namespace) -> int:
    """Predict and write what the arguments ask for; returns the exit code.

    Raises:
        MedcnnError: the model, a threshold or an output cannot be used, or there is no image.
    """
    found = inputs.find(options.paths)
    if options.format == "dicom-sr":
        return _reported(found, options)
    _check_outputs(options)
    model = load(_file(options.model))
    levels = deciding.thresholds(options.thresholds, model.card)
    form = writer(options.format, model, levels, options.explain is not None)
    bar_is_wanted = sys.stderr.isatty() and (options.output is not None or not sys.stdout.isatty())
    progress = ProgressBar(len(found.sources), bar_is_wanted)
    how = Options(levels, options.threads, options.batch, progress.advance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = _explained(_named(rows(found.sources, model, how), options), model, options)
        try:
            with _opened(options.output) as file:
                count, errors = _written(answers, form, file)
        except BrokenPipeError:
            # What is still buffered has nowhere to go, and Python would try once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        except KeyboardInterrupt:
            progress.close()
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        finally:
            answers.close()
    progress.close()
    _summary(count, errors, found.skipped)
    return UNREADABLE if errors else 0


def _reported(found: inputs.Found, options: argparse.Namespace) -> int:
    """Write structured reports, one per DICOM file."""
    from medcnn.predict import dicom_sr

    if options.pseudonyms is not None:
        raise OutputError("--pseudonyms: a structured report carries its patient's identity; choose another format")
    model = load(_file(options.model))
    levels = deciding.thresholds(options.thresholds, model.card)
    how = Options(levels, options.threads, options.batch, lambda: None)
    failed = dicom_sr.write(found.sources, model, how, options.output)
    _summary(len(found.sources), failed, found.skipped)
    return UNREADABLE if failed else 0


def _file(model: Path) -> Path:
    """The file that is named, or that of the chosen model where a study with results here is named.

    Raises:
        ParamsError: it looks like the name of a study, and none of that name has results here.
    """
    if model.exists() or len(model.parts) != 1 or model.suffix:
        return model
    compared = paths.metrics("comparisons", model.name)
    if not compared.exists():
        studies = sorted(path.stem for path in compared.parent.glob("*.json"))
        there = offer(model.name, studies) if studies else "run one by `medcnn run STUDY`, or name a file"
        raise ParamsError(f"no study '{model}' with results here, and no such file; {there}")
    return paths.onnx_model(model.name, files.read_json(compared)["best"])


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse at the start what would fail at the end."""
    if options.output is not None and options.output.is_dir():
        raise OutputError(f"--output {options.output}: a folder; name a file")
    if options.pseudonyms is not None and options.pseudonyms.is_dir():
        raise OutputError(f"--pseudonyms {options.pseudonyms}: a folder; name a file")
    if options.explain is not None:
        if options.explain.exists() and not options.explain.is_dir():
            raise OutputError(f"--explain {options.explain}: not a folder")
        options.explain.mkdir(parents=True, exist_ok=True)


def _named(answers: Iterator[Row], options: argparse.Namespace) -> Iterator[Row]:
    return answers if options.pseudonyms is None else pseudonymous.named(answers, options.pseudonyms)


def _explained(answers: Iterator[Row], model: Model, options: argparse.Namespace) -> Generator[Row]:
    for row in answers:
        yield row if options.explain is None else occlusion.explained(row, model, options.explain, options.batch)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears when all is written; a pipe or device is written as it is."""
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A name may have letters that the terminal's encoding lacks.
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
    elif output.exists() and not output.is_file():
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    else:
        with files.replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            yield file


def _written(answers: Iterator[Row], form: Writer, file: TextIO) -> tuple[int, int]:
    """Write the rows as they come; returns how many there were, and how many of them are errors."""
    count = errors = 0
    complete = False
    file.write(form.start())
    try:
        for row in answers:
            file.write(form.row(row))
            count += 1
            errors += row.error is not None
        complete = True
    finally:
        file.write(form.end(complete))
        file.flush()
    return count, errors


def _summary(count: int, errors: int, skipped: int) -> None:
    if errors:
        print(f"{errors} of {count} images could not be read", file=sys.stderr)
    if skipped:
        print(f"{skipped} files that are not images were skipped", file=sys.stderr)
