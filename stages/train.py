"""Train: one model on one study; write the model, its predictions for every image, and its history."""

from medcnn import layout, manifest, params
from medcnn.console import run_stage
from medcnn.images import pack
from medcnn.models.catalogue import ADAPTED
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str) -> None:
    settings = params.load()
    pin_tensorflow(settings.seed)
    from medcnn.models.building import build
    from medcnn.models.preprocessing import measured
    from medcnn.training import Task, train

    block, spec = settings.study(study), settings.model(model)
    steps = None
    if spec.preprocessing == ADAPTED:
        training = manifest.indices(manifest.used(layout.manifest(study)), "train")
        steps = measured(pack.images(layout.prepared(study)), training)
    network = build(spec, block.image_size, len(block.class_names), layout.weights(model), steps)
    train(Task(settings, study, model, spec), network)


if __name__ == "__main__":
    run_stage(main, "study", "model")
