"""External: test every model of a study on all images of another study, without fitting anything again."""

from medcnn.core.seeding import pin_tensorflow
from medcnn.external.settings import Settings
from medcnn.params import placement
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from stages import run_stage


def main(study: str, external: str) -> None:
    settings = load(Settings)
    pin_tensorflow(settings.seed, portable=settings.compute.portable)
    from medcnn.external import recording, scoring

    found = scoring.scored(study, external, settings, placement.load())
    recording.record(study, external, found)
    left_out = sum(found.record["copies"][kind] for kind in ("exact", "near"))
    print(
        f"{study}: {len(found.tables)} models tested on {found.record['images']} images of {external}, "
        f"{left_out} left out as {study} has them too; metrics in {paths.metrics('external', study, external)}"
    )


if __name__ == "__main__":
    run_stage(main, "study", "external")
