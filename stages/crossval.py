"""Crossval: train one model or chain on one study again, with another part held out or another seed."""

from medcnn.dataset import folds
from medcnn.train import launch
from medcnn.train.task import task
from stages import run_stage


def main(study: str, model: str, fold: str, repeat: str) -> None:
    cell = folds.cell(study, fold, repeat)
    if cell == folds.MAIN:
        folds.copy_main(study, model)
    else:
        launch.train(task(study, model, cell))


if __name__ == "__main__":
    run_stage(main, "study", "model", "fold", "repeat")
