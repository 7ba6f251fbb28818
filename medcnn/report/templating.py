"""The templates of the report package, whose every gap has to be filled."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(escapes: bool) -> Environment:
    """An environment for pages, which escape what they are filled with, or for Markdown, whose filters do it."""
    return Environment(
        loader=PackageLoader("medcnn.report"),
        autoescape=escapes,  # noqa: S701 (pages are; Markdown is by its filters)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
