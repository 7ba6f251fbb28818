"""Choose: the exported files of the chosen model at a path that does not name it, as DVC's registry wants one."""

import shutil

from medcnn.results.base import read
from medcnn.results.compared import Compared
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    best = read(paths.metrics("comparisons", study), Compared).best
    folder = paths.chosen(study)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (paths.onnx_model(study, best), paths.int8_model(study, best)):
        shutil.copyfile(file, folder / file.name)
    print(f"{study}: {best} is at {folder}")


if __name__ == "__main__":
    run_stage(main, "study")
