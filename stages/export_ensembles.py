"""Export ensembles: compose every ensemble and cascade into one ONNX file, and check it against Keras."""

from medcnn.core import files
from medcnn.core.seeding import pin_tensorflow
from medcnn.export.settings import CombinedSettings
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    settings = load(CombinedSettings)
    for folder in (paths.models(study), paths.metrics_folder("export", study)):
        files.keep_only(folder, settings.run.trained)
    pin_tensorflow(settings.seed, portable=settings.compute.portable)
    from medcnn.export import combinations

    files.write_json(paths.metrics("export_ensembles", study), combinations.export(study, settings))


if __name__ == "__main__":
    run_stage(main, "study")
