"""Learning curve: train a model on ever more of the training patients, and say what twice as many would bring."""

from medcnn.dataset import predictions
from medcnn.dataset.manifest import of_images
from medcnn.learning_curve import extrapolating, subsets
from medcnn.learning_curve.extrapolating import Trained
from medcnn.learning_curve.settings import Settings
from medcnn.params.shared.loading import load
from medcnn.results import base as results
from medcnn.results.learning_curve import LearningCurve
from medcnn.runtime import paths
from medcnn.train import shares
from medcnn.train.task import task
from stages import run_stage


def main(study: str, model: str) -> None:
    settings, whole = load(Settings), task(study, model)
    rows = whole.rows
    training = rows[rows["split"] == "train"]
    # The whole of the training part is what `train` has trained on.
    test = predictions.read(paths.predicted(study, model)).of("test")
    trained = [Trained(1.0, training["group"].nunique(), len(training), test)]
    for draw in range(subsets.DRAWS):
        order = subsets.ordered(rows, settings.seed, draw)
        for share, left_out in subsets.parts(rows, order):
            images = int((~training["group"].isin(left_out)).sum())
            print(f"{model}: draw {draw + 1} of {subsets.DRAWS}, {share:.0%} of the training patients", flush=True)
            answers = shares.answers(whole, left_out)
            trained.append(Trained(share, len(order) - len(left_out), images, answers))
    groups = of_images(test.image_ids, rows.set_index("image_id")["group"])
    facts = extrapolating.curve(trained, groups, settings.evaluate.confidence, settings.seed)
    results.write(paths.metrics("learning_curve", study, model), LearningCurve, facts)
    of = facts["figures"]["accuracy"]
    gain = f"{of['gain']:+.1%} [{of['gain_low']:+.1%}, {of['gain_high']:+.1%}]"
    print(f"{study}, {model}: accuracy with twice the training patients: {gain}")


if __name__ == "__main__":
    run_stage(main, "study", "model")
