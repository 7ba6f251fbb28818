"""Chain: feed a trained model's features to the head of a second and train the two as one."""

from medcnn import layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, first: str, second: str) -> None:
    settings = params.load()
    pin_tensorflow(settings.seed)
    from medcnn.chaining import chained, link
    from medcnn.models import saving
    from medcnn.training import Task, train

    task = Task(settings, study, params.chain(first, second), link(settings.model(second)))
    first_link = saving.load(layout.keras_model(study, first))
    train(task, chained(first_link, task.settings, len(task.classes)))


if __name__ == "__main__":
    run_stage(main, "study", "first", "second")
