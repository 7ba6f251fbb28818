"""Train: one model on one study; write the model, its predictions for every image, and its history."""

from medcnn.params import whole
from medcnn.runtime.console import run_stage
from medcnn.train import launch
from medcnn.train.task import Task


def main(study: str, model: str) -> None:
    launch.train(Task(whole.load(), study, model))


if __name__ == "__main__":
    run_stage(main, "study", "model")
