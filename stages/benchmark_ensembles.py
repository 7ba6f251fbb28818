"""Benchmark ensembles: time ensembles and cascades in every engine, one of those that run the same networks."""

from dataclasses import asdict

from medcnn.benchmark import material, subjects
from medcnn.benchmark.benchmarking import benchmarked
from medcnn.benchmark.settings import Settings
from medcnn.core import files
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    settings = load(Settings)
    images = material.read(study, settings.studies[study])
    timed = subjects.combinations(study)
    setups = {}
    found = benchmarked(timed, settings.benchmark, images, settings.evaluate.confidence)
    for subject, results in zip(timed, found, strict=True):
        print(f"{study}, {subject.name}: {results.summary()}", flush=True)
        files.write_json(paths.metrics("benchmark", study, subject.name), results.record())
        setups[subject.name] = asdict(results.setup)
    # Timings are facts of a machine, so DVC tracks only what was timed and how, which is written last.
    files.write_json(paths.benchmarked_ensembles(study), setups)


if __name__ == "__main__":
    run_stage(main, "study")
