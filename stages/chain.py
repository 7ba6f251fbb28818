"""Chain: feed a trained model's features to the head of a second and train the two as one."""

from medcnn.params import whole
from medcnn.runtime.console import run_stage
from medcnn.train import launch
from medcnn.train.task import Task


def main(study: str, first: str, second: str) -> None:
    launch.train(Task(whole.load(), study, second, first))


if __name__ == "__main__":
    run_stage(main, "study", "first", "second")
