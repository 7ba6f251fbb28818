"""Stress: the accuracy of a trained model on degraded and on augmented test images."""

from functools import partial

from medcnn import files, layout, params, stressing
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str) -> None:
    settings = params.load()
    block = settings.study(study)
    test = stressing.read(study, block.class_names)
    pin_tensorflow(settings.seed)
    from medcnn import features
    from medcnn.models import saving

    network = saving.load(layout.keras_model(study, model))
    # Keras keeps its graph from call to call, and there are dozens.
    predict = partial(network.predict, batch_size=features.BATCH, verbose=0)
    policy, confidence = settings.augment[block.views.policy], settings.evaluate.confidence
    figures = stressing.stressed(test, predict, policy, settings.seed, confidence)
    files.write_csv(layout.plots("stress", study) / f"{model}.csv", stressing.COLUMNS, stressing.curves(figures))
    files.write_json(layout.metrics("stress", study, model), figures)


if __name__ == "__main__":
    run_stage(main, "study", "model")
