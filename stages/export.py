"""Export: write a trained model as ONNX, in float32 and int8, and check it against Keras on every test image."""

from medcnn.core import files
from medcnn.core.seeding import pin_tensorflow
from medcnn.export.settings import Settings
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from stages import run_stage


def main(study: str, model: str) -> None:
    settings = load(Settings)
    pin_tensorflow(settings.seed, portable=settings.compute.portable)
    from medcnn.export.exporting import export
    from medcnn.networks import saving

    network = saving.load(paths.keras_model(study, model))
    files.write_json(paths.metrics("export", study, model), export(study, model, network, settings))


if __name__ == "__main__":
    run_stage(main, "study", "model")
