"""``python -m tests.bench``: what the README claims about speed and memory, measured on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench import engines, pipeline, published


def main() -> None:
    """Without arguments the default run is measured; ``published`` sets it beside the published way."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    kinds = parser.add_subparsers(dest="what")
    kinds.add_parser("engines", help="the engines beside each other, at 224 pixels")
    beside = kinds.add_parser("published", help="beside the published way, on brain MRI")
    beside.add_argument("archive", type=Path, metavar="ZIP", help="the brain MRI archive, as Kaggle has it")
    beside.add_argument("--published-way", type=Path, required=True, metavar="SCRIPT", help="the published way")
    beside.add_argument("--epochs", type=int, default=3, help="how many of its epochs to run, at least 2 (default 3)")
    beside.add_argument("--rounds", type=int, default=3, help="how often to measure everything (default 3)")
    options = parser.parse_args()
    if options.what != "published":
        {None: pipeline, "engines": engines}[options.what].main()
        return
    if options.epochs < 2 or options.rounds < 1:
        parser.error("--epochs must be 2 or more and --rounds 1 or more")
    for path in (options.archive, options.published_way):
        if not path.is_file():
            parser.error(f"no such file: {path}")
    published.main(
        options.archive, published.Published(options.published_way.resolve(), options.epochs), options.rounds
    )


if __name__ == "__main__":
    main()
