"""Benchmark: time a trained model in every engine, on the same test images."""

from dataclasses import asdict

from medcnn.benchmark import material, subjects
from medcnn.benchmark.benchmarking import benchmarked
from medcnn.benchmark.settings import Settings
from medcnn.core import files
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from stages import run_stage


def main(study: str, model: str) -> None:
    settings = load(Settings)
    images = material.read(study, settings.studies[study])
    subject = subjects.network(study, model)
    (results,) = benchmarked([subject], settings.benchmark, images, settings.evaluate.confidence)
    print(f"{study}, {model}: {results.summary()}")
    # Timings are facts of a machine, so DVC tracks only what was timed and how, which is written last.
    files.write_json(paths.metrics("benchmark", study, model), results.record())
    files.write_json(paths.benchmarked(study, model), asdict(results.setup))


if __name__ == "__main__":
    run_stage(main, "study", "model")
