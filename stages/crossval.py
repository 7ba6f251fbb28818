"""Crossval: train one model or chain on one study again, with another part held out or another seed."""

from medcnn.dataset import folds
from medcnn.params.shared.loading import load
from medcnn.train import launch
from medcnn.train.settings import Repeating
from medcnn.train.task import task
from stages import run_stage


def main(study: str, model: str, fold: str, repeat: str) -> None:
    cell = folds.cell(study, fold, repeat)
    if cell == folds.MAIN:
        folds.copy_main(study, model)
    elif load(Repeating).run.again(model, cell[1]):
        launch.train(task(study, model, cell))
    else:
        folds.folder(study, model, cell).mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    run_stage(main, "study", "model", "fold", "repeat")
