"""Download: bring a study's raw data here as one archive file, checked, with a receipt."""

from dataclasses import asdict

from medcnn.core import files
from medcnn.download.fetching import fetch
from medcnn.download.settings import Settings
from medcnn.params.shared.loading import load
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    source = load(Settings).studies[study].source
    receipt = fetch(source, paths.raw(study))
    files.write_json(paths.metrics("download", study), asdict(receipt))
    print(f"{study}: {receipt.name}, {receipt.bytes} bytes, sha256 {receipt.sha256}")


if __name__ == "__main__":
    run_stage(main, "study")
