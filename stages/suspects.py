"""Suspects: list the labels that are probably wrong, by what networks say of images that they were not trained on."""

from medcnn.core import tables
from medcnn.dataset import manifest
from medcnn.params.shared.loading import load
from medcnn.results import base as results
from medcnn.results.compared import Compared
from medcnn.results.data import Download
from medcnn.results.suspects import Suspects
from medcnn.runtime import paths
from medcnn.suspects import answers, listing
from medcnn.suspects.settings import Settings
from stages import run_stage


def main(study: str) -> None:
    best = results.read(paths.metrics("comparisons", study), Compared).best
    settings = load(Settings)
    unseen = answers.unseen(study, settings.run, best)
    noise = listing.noise(unseen.table, settings.evaluate.confidence)
    used = manifest.used(paths.manifest(study), "image_id", "path").set_index("image_id")["path"]
    rows = listing.listed(unseen.table, noise, used)
    planted = results.read(paths.metrics("download", study), Download).wrong_labels
    wrong = [manifest.image_id(path) for path in planted]
    tables.write(paths.suspects(study), rows)
    facts = listing.facts(unseen, noise, rows, len(used), wrong if planted else None)
    results.write(paths.metrics("suspects", study), Suspects, facts)
    print(
        f"{study}: {len(rows)} labels of {len(unseen.table)} images are suspect, {facts['likely']} of them rather "
        f"wrong than right; `medcnn suspects {study}` lists them"
    )


if __name__ == "__main__":
    run_stage(main, "study")
