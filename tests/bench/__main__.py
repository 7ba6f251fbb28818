"""``python -m tests.bench``: what the README claims about speed and memory, measured on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench import cluster, engines, limits, pipeline, published, scale, training

ARCHIVES = Path("~/.cache/medcnn/scale")
SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    """Without arguments the default run is measured; each other kind has its own help."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    kinds = parser.add_subparsers(dest="what")
    kinds.add_parser("engines", help="the engines beside each other, at 224 pixels")
    beside = kinds.add_parser("published", help="beside the published way, on brain MRI")
    beside.add_argument("archive", type=Path, metavar="ZIP", help="the brain MRI archive, as Kaggle has it")
    beside.add_argument("--published-way", type=Path, required=True, metavar="SCRIPT", help="the published way")
    beside.add_argument("--epochs", type=int, default=3, help="how many of its epochs to run, at least 2 (default 3)")
    beside.add_argument("--rounds", type=int, default=3, help="how often to measure everything (default 3)")
    names = [case.model for case in published.CASES]
    beside.add_argument("--models", nargs="+", choices=names, default=names, help="which ones (default all)")
    growth = kinds.add_parser("scale", help="the stages on archives of more and more synthetic images")
    growth.add_argument("--folder", type=Path, default=ARCHIVES, help=f"where archives are kept (default {ARCHIVES})")
    growth.add_argument("--sizes", type=_sizes, default=SIZES, help="images of each archive, such as 1000,10000")
    limits_ = kinds.add_parser("limits", help="split and prepare beside decoding alone")
    limits_.add_argument("--folder", type=Path, default=ARCHIVES, help=f"where archives are kept (default {ARCHIVES})")
    limits_.add_argument("--images", type=int, default=1_000, help="how many (default 1000)")
    ray = kinds.add_parser("ray", help="five folds on Ray clusters of one node and of two")
    ray.add_argument("--rounds", type=int, default=3, help="how often to measure everything (default 3)")
    steps = kinds.add_parser("training", help="a network that is trained whole, beside plain Keras")
    steps.add_argument("source", type=Path, metavar="SOURCE", help="images that `medcnn init` understands")
    steps.add_argument("--model", default="best_lite0", help="a model of params.yaml (default best_lite0)")
    steps.add_argument("--size", type=int, default=224, help="the images' side in pixels (default 224)")
    steps.add_argument("--rounds", type=int, default=5, help="how often all take turns (default 5)")
    steps.add_argument("--batches", type=int, default=20, help="training steps in a turn (default 20)")
    options = parser.parse_args()
    if options.what == "training":
        training.main(options.source.resolve(), options.model, options.size, options.rounds, options.batches)
        return
    if options.what == "ray":
        cluster.main(options.rounds)
        return
    if options.what == "scale":
        scale.main(options.folder.expanduser().resolve(), options.sizes)
        return
    if options.what == "limits":
        limits.main(options.folder.expanduser().resolve(), options.images)
        return
    if options.what != "published":
        {None: pipeline, "engines": engines}[options.what].main()
        return
    if options.epochs < 2 or options.rounds < 1:
        parser.error("--epochs must be 2 or more and --rounds 1 or more")
    for path in (options.archive, options.published_way):
        if not path.is_file():
            parser.error(f"no such file: {path}")
    published.main(
        options.archive,
        published.Published(options.published_way.resolve(), options.epochs),
        options.rounds,
        options.models,
    )


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted({int(images) for images in text.split(",")}))


if __name__ == "__main__":
    main()
