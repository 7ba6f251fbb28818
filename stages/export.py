"""Export: write a trained model as ONNX, in float32 and int8, and check it against Keras on every test image."""

from medcnn import files, layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str) -> None:
    settings = params.load()
    settings.study(study)
    pin_tensorflow(settings.seed)
    from medcnn.models import saving
    from medcnn.onnx.export import export

    network = saving.load(layout.keras_model(study, model))
    files.write_json(layout.metrics("export", study, model), export(study, model, network, settings))


if __name__ == "__main__":
    run_stage(main, "study", "model")
