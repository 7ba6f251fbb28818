"""Chain: feed a trained model's features to a second network and train the two as one."""

from medcnn import layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, first: str) -> None:
    settings = params.load()
    pin_tensorflow(settings.seed)
    from medcnn.chaining import chained
    from medcnn.models import saving
    from medcnn.training import Task, record, train

    second = settings.model(settings.chain.second)
    first_link = saving.load(layout.keras_model(study, first))
    network = chained(first_link, second, len(settings.study(study).class_names))
    task = Task(settings, study, f"{first}_chain", second)
    trained = train(task, network)
    record(task, trained)


if __name__ == "__main__":
    run_stage(main, "study", "first")
