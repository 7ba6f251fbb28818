"""Split: look at every image once, write the manifest and the fingerprint of the data set."""

import pandas as pd

from medcnn.core import files, tables
from medcnn.dataset import doubts, folds, manifest
from medcnn.grouping import subgroups
from medcnn.params.shared.loading import load
from medcnn.pseudonyms import doubtful
from medcnn.reading.archive import open_archive, raw_archive
from medcnn.results.data import Split
from medcnn.runtime import paths
from medcnn.split import labelling, placing, surveying
from medcnn.split.fingerprint import duplicates, fingerprint
from medcnn.split.settings import Settings
from stages import run_stage


def main(study: str) -> None:
    settings = load(Settings)
    block, where = settings.studies[study], f"studies.{study}"
    with open_archive(raw_archive(paths.raw(study))) as archive:
        labels = block.labels
        described = labelling.described(archive, labels, where) if labels.subgroups else pd.DataFrame()
        groups = subgroups.named(described, labels.subgroups, f"{where}.labels.subgroups")
        looks = surveying.looked_at(archive, block, where)
    del archive  # Its list of files would stay in memory.
    found = surveying.dealt(looks, block, settings.seed, where)
    del looks
    doubts.stop_at_error(found.doubts, where)
    facts = fingerprint(found, block.split.on_leak, settings.seed)
    if not settings.report.full:
        facts["doubts"] = doubtful.unnamed(facts["doubts"], found.rows, labels.class_names)
    balance = [(label, split, count) for split, counts in facts["splits"].items() for label, count in counts.items()]
    files.write_csv(paths.plots("split", study) / "classes.csv", ("class", "split", "images"), balance)
    tables.write(paths.plots("split", study) / "duplicates.csv", duplicates(found))
    files.write_json(paths.metrics("split", study), facts)
    manifest.write(paths.manifest(study), found.rows)
    parts = placing.folded(found.rows, found.relatives.groups, block, settings.seed)
    careless = placing.careless(found.rows, settings.seed)
    folds.write(paths.folds(study), parts.assign(**{folds.column("careless"): careless.array}))
    subgroups.write(paths.subgroups(study), found.rows[found.rows["status"] == manifest.USED], groups)
    _print(study, Split.model_validate(facts))


def _print(study: str, facts: Split) -> None:
    leak, (leaked, held_out) = facts.leak, facts.leaked_before_repair
    print(f"{study}: {facts.used} images used, {facts.images - facts.used} set aside")
    print(
        f"a plain random split would have leaked {leak.random_split_images:.1f} of {leak.held_out_images} "
        f"held-out images; this one leaks {leak.this_split}{_as_far_as_known(facts)}"
    )
    print(f"before any repair {leaked} of {held_out} held-out images leak; split.on_leak is {facts.on_leak}")
    for doubt in facts.doubts:
        print(f"{doubt.severity}: {doubt.text}")
    if leak.this_split:
        print(f"WARNING: {leak.this_split} HELD-OUT IMAGES LEAK, scores will be too good: on_leak is {facts.on_leak}")


def _as_far_as_known(facts: Split) -> str:
    unknown = facts.without_patient
    return f" as far as is known: patients unknown for {unknown} of {facts.used} images" if unknown else ""


if __name__ == "__main__":
    run_stage(main, "study")
