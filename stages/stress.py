"""Stress: the accuracy of a trained model on degraded and on augmented test images."""

from functools import partial

from medcnn.core import files
from medcnn.core.seeding import pin_tensorflow
from medcnn.dataset import part
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from medcnn.stress import stressing
from medcnn.stress.settings import Settings
from stages import run_stage


def main(study: str, model: str) -> None:
    settings = load(Settings)
    block = settings.studies[study]
    test = part.read(study, block.labels.class_names)
    pin_tensorflow(settings.seed, portable=settings.compute.portable)
    from medcnn.networks import saving
    from medcnn.networks.forward import BATCH

    network = saving.load(paths.keras_model(study, model))
    # Keras keeps its graph from call to call, and there are dozens.
    predict = partial(network.predict, batch_size=BATCH, verbose=0)
    policy, confidence = settings.augment[block.images.views.policy], settings.evaluate.confidence
    figures = stressing.stressed(test, predict, policy, settings.seed, confidence)
    files.write_csv(paths.plots("stress", study) / f"{model}.csv", stressing.COLUMNS, stressing.curves(figures))
    files.write_json(paths.metrics("stress", study, model), figures)


if __name__ == "__main__":
    run_stage(main, "study", "model")
