"""Crossval of chains: train one chain on one study again, with another part held out or another seed."""

from medcnn.dataset import folds
from medcnn.params import run, whole
from medcnn.runtime.console import run_stage
from medcnn.train import launch
from medcnn.train.task import Task


def main(study: str, first: str, second: str, fold: str, repeat: str) -> None:
    settings = whole.load()
    settings.model(second)
    cell = folds.cell(study, fold, repeat)
    if cell == folds.MAIN:
        folds.copy_main(study, run.chain(first, second))
    else:
        launch.train(Task(settings, study, second, first, cell))


if __name__ == "__main__":
    run_stage(main, "study", "first", "second", "fold", "repeat")
