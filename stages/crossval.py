"""Crossval: train one model on one study again, with another part held out or another seed."""

from medcnn.dataset import folds
from medcnn.params import whole
from medcnn.runtime.console import run_stage
from medcnn.train import launch
from medcnn.train.task import Task


def main(study: str, model: str, fold: str, repeat: str) -> None:
    settings = whole.load()
    settings.model(model)
    cell = folds.cell(study, fold, repeat)
    if cell == folds.MAIN:
        folds.copy_main(study, model)
    else:
        launch.train(Task(settings, study, model, cell=cell))


if __name__ == "__main__":
    run_stage(main, "study", "model", "fold", "repeat")
