"""Export ensembles: compose every ensemble and cascade into one ONNX file, and check it against Keras."""

from medcnn import files, layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str) -> None:
    settings = params.load()
    settings.study(study)
    for folder in (layout.models(study), layout.metrics_folder("export", study)):
        files.keep_only(folder, settings.run.trained)
    pin_tensorflow(settings.seed)
    from medcnn.onnx import export_combined

    files.write_json(layout.metrics("export_ensembles", study), export_combined.export(study, settings))


if __name__ == "__main__":
    run_stage(main, "study")
