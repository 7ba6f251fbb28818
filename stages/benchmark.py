"""Benchmark: time a model in TensorFlow and in ONNX Runtime on the same test images."""

from dataclasses import asdict

from medcnn import files, layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str, model: str) -> None:
    settings = params.load()
    pin_tensorflow(settings.seed)
    from medcnn.models import saving
    from medcnn.onnx import heldout
    from medcnn.onnx.benchmark import benchmark

    network = saving.load(layout.keras_model(study, model))
    setup, timings = benchmark(network, layout.onnx_model(study, model), settings.benchmark, heldout.read(study))
    # Timings are facts of a machine, so DVC tracks only what was timed and how, which is written last.
    files.write_json(layout.metrics("benchmark", study, model), asdict(timings))
    files.write_json(layout.benchmarked(study, model), asdict(setup))


if __name__ == "__main__":
    run_stage(main, "study", "model")
