"""Explain: what the best and the worst network of a study looked at, in test images chosen from their predictions."""

from medcnn import explaining, files, layout, params
from medcnn.console import run_stage
from medcnn.seeding import pin_tensorflow


def main(study: str) -> None:
    settings = params.load()
    settings.study(study)
    networks = files.read_json(layout.metrics("comparisons", study))["networks"]
    # One model may be both.
    galleries = [explaining.gallery(study, name) for name in sorted({networks["best"], networks["worst"]})]
    pin_tensorflow(settings.seed)
    from medcnn.models import saving
    from medcnn.models.gradcam import NoFeatureMapsError, heat_maps

    shown = {}
    layout.plots("explain", study).mkdir(parents=True, exist_ok=True)
    for gallery in galleries:
        network = saving.load(layout.keras_model(study, gallery.model))
        try:
            heat = heat_maps(network, gallery.pixels, gallery.predicted)
        except NoFeatureMapsError as error:
            print(f"{study}: {gallery.model} is not explained: {error}")
        else:
            shown[gallery.model] = gallery.write(study, heat)
    files.keep_only(layout.plots("explain", study), shown)
    files.keep_only(layout.models(study), settings.run.trained)
    files.write_json(layout.metrics("explain", study), shown)


if __name__ == "__main__":
    run_stage(main, "study")
