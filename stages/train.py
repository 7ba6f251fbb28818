"""Train: one model or chain on one study; write the model, its predictions for every image, and its history."""

from medcnn.train import launch
from medcnn.train.task import task
from stages import run_stage


def main(study: str, model: str) -> None:
    launch.train(task(study, model))


if __name__ == "__main__":
    run_stage(main, "study", "model")
