"""Careless: train a model again on a plain random split, to say what that would have claimed."""

from medcnn.careless import contrasting
from medcnn.careless.settings import Settings
from medcnn.dataset import folds, predictions
from medcnn.params.shared.loading import load
from medcnn.results import base as results
from medcnn.results.careless import Careless
from medcnn.runtime import paths
from medcnn.train import launch
from medcnn.train.task import task
from stages import run_stage


def main(study: str, model: str) -> None:
    settings = load(Settings)
    confidence = settings.evaluate.confidence
    folder = folds.folder(study, model, folds.CARELESS)
    folder.mkdir(parents=True, exist_ok=True)
    careless, own = (folds.parted(study, fold) for fold in (folds.CARELESS[0], 0))
    groups = own.set_index("image_id")["group"]
    honest = predictions.read(paths.predicted(study, model))
    holds, claim = contrasting.claimed(honest, groups, confidence), None
    if model in settings.run.careless and contrasting.says_something(careless, own):
        launch.train(task(study, model, folds.CARELESS))
        table = predictions.read(folder / folds.PREDICTIONS)
        claim = contrasting.claimed(table, groups, confidence)
        reported = f"{study}, {model}: a plain random split would have reported an accuracy of {claim['accuracy']:.1%}"
        print(f"{reported}; {holds['accuracy']:.1%} is what holds on new patients")
    found = {**contrasting.tested(careless), "honest": holds, "careless": claim}
    results.write(paths.metrics("careless", study, model), Careless, found)


if __name__ == "__main__":
    run_stage(main, "study", "model")
