"""Items of the reporting checklists, as data, and their answers from the facts of a study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import yaml
from jinja2 import Environment, StrictUndefined

from medcnn.core import markdown
from medcnn.params.shared.base import Block
from medcnn.report.facts import Facts
from medcnn.report.settings import Settings

LISTS = ("tripod_ai", "claim", "datasheet")
State = Literal["answered", "partly", "blank"]


class Item(Block):
    """One item: its number in the statement, the part it stands in, a paraphrase, and the key of its answer."""

    number: str | int
    part: str
    title: str
    answer: str = ""
    partly: bool = False


class Checklist(Block):
    """A statement, how it is cited, and its items."""

    title: str
    cited: str
    items: tuple[Item, ...]


class Answer(Block):
    """A template over a study's facts, and where the pipeline says more."""

    text: str
    place: str


@dataclass(frozen=True)
class Filled:
    """An item as far as it is answered; of a blank one text and place are empty."""

    item: Item
    state: State
    text: str
    place: str


def checklists() -> list[Checklist]:
    """All checklists, in the order in which they are written."""
    return [Checklist.model_validate(_read("items", f"{name}.yaml")) for name in LISTS]


def answers() -> dict[str, Answer]:
    """The answers by key."""
    return {key: Answer.model_validate(answer) for key, answer in _read("answers.yaml").items()}


def filled(checklist: Checklist, facts: Facts, settings: Settings) -> Iterator[Filled]:
    """Every item of a checklist; one whose answer comes out empty for this study is blank."""
    environment, known, texts = _environment(), _known(facts, settings), answers()
    for item in checklist.items:
        answer = texts[item.answer] if item.answer else Answer(text="", place="")
        text, place = (environment.from_string(part).render(known).strip() for part in (answer.text, answer.place))
        state: State = ("partly" if item.partly else "answered") if text else "blank"
        yield Filled(item, state, text, place if text else "")


def _read(*path: str) -> Any:
    return yaml.safe_load(resources.files("medcnn.reporting").joinpath(*path).read_text(encoding="utf-8"))


def _environment() -> Environment:
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 (Markdown, not HTML)
    environment.filters["figure"] = markdown.figure
    return environment


def _known(facts: Facts, settings: Settings) -> dict[str, Any]:
    best = facts.evaluated[facts.best]
    return {
        "facts": facts,
        "settings": settings,
        "data": facts.data,
        "best": best,
        "test": best.test,
        "units": "groups of patients" if facts.data.patients else "groups",
        "made": [trained.made.packages for trained in facts.trained.values() if trained.made],
    }
