"""Train: one model on one study; write the model, its predictions for every image, and its history."""

from medcnn import params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str) -> None:
    settings = params.load()
    pin_tensorflow(settings.seed)
    from medcnn.training import Task, train, untrained

    task = Task(settings, study, model, settings.model(model))
    train(task, untrained(task))


if __name__ == "__main__":
    run_stage(main, "study", "model")
