"""Train: one model on one study; write the model, its predictions for every image, and its history."""

from medcnn import layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str) -> None:
    settings = params.load()
    pin_tensorflow(settings.seed)
    from medcnn.models.building import build
    from medcnn.training import Task, record, train

    block, spec = settings.study(study), settings.model(model)
    network = build(spec, block.image_size, len(block.class_names), layout.weights(model))
    task = Task(settings, study, model, spec)
    trained = train(task, network)
    record(task, trained)


if __name__ == "__main__":
    run_stage(main, "study", "model")
