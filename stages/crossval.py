"""Crossval: train one model on one study again, with another part held out or another seed."""

from medcnn import folds, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str, fold: str, repeat: str) -> None:
    settings = params.load()
    spec = settings.model(model)
    cell = folds.cell(study, settings.study(study), fold, repeat)
    if cell == folds.MAIN:
        folds.copy_main(study, model)
        return
    pin_tensorflow(settings.seed + cell[1])
    from medcnn.training import Task, train, untrained

    task = Task(settings, study, model, spec, *cell)
    train(task, untrained(task))


if __name__ == "__main__":
    run_stage(main, "study", "model", "fold", "repeat")
