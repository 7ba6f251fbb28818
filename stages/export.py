"""Export: write a trained model as ONNX and check it against Keras on every test image."""

from dataclasses import asdict

from medcnn import files, layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str) -> None:
    settings = params.load()
    block = settings.study(study)
    pin_tensorflow(settings.seed)
    from medcnn.models import saving
    from medcnn.onnx import heldout
    from medcnn.onnx.export import Card, export

    card = Card(study, model, block.class_names, block.image_size, block.fit)
    network = saving.load(layout.keras_model(study, model))
    exported = export(network, layout.onnx_model(study, model), card, heldout.read(study))
    hashed = {"keras_sha256": files.sha256(layout.keras_model(study, model))}
    files.write_json(layout.metrics("export", study, model), asdict(exported) | hashed)


if __name__ == "__main__":
    run_stage(main, "study", "model")
