"""Download: bring a study's raw data here as one archive file, checked, with a receipt."""

from dataclasses import asdict

from medcnn import files, layout, params
from medcnn.console import run_stage
from medcnn.sources.fetching import fetch


def main(study: str) -> None:
    source = params.load().study(study).source
    receipt = fetch(source, layout.raw(study))
    files.write_json(layout.metrics("download", study), asdict(receipt))
    print(f"{study}: {receipt.name}, {receipt.bytes} bytes, sha256 {receipt.sha256}")


if __name__ == "__main__":
    run_stage(main, "study")
