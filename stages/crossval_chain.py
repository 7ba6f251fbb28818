"""Crossval of chains: train one chain on one study again, with another part held out or another seed."""

from medcnn import folds, layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, first: str, second: str, fold: str, repeat: str) -> None:
    settings = params.load()
    name, spec = params.chain(first, second), settings.model(second)
    cell = folds.cell(study, settings.study(study), fold, repeat)
    if cell == folds.MAIN:
        folds.copy_main(study, name)
        return
    pin_tensorflow(settings.seed + cell[1])
    from medcnn.chaining import chained, link
    from medcnn.models import saving
    from medcnn.training import Task, train

    task = Task(settings, study, name, link(spec), *cell)
    first_link = saving.load(layout.cell(study, first, *cell) / folds.MODEL)
    train(task, chained(first_link, task.settings, len(task.classes)))


if __name__ == "__main__":
    run_stage(main, "study", "first", "second", "fold", "repeat")
