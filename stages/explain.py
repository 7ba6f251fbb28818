"""Explain: what the best and the worst network of a study looked at, in test images chosen from their predictions."""

from medcnn import params
from medcnn.core import files
from medcnn.core.seeding import pin_tensorflow
from medcnn.explain import explaining
from medcnn.runtime import paths
from medcnn.runtime.console import run_stage


def main(study: str) -> None:
    settings = params.load()
    settings.study(study)
    networks = files.read_json(paths.metrics("comparisons", study))["networks"]
    # One model may be both.
    galleries = [explaining.gallery(study, name) for name in sorted({networks["best"], networks["worst"]})]
    pin_tensorflow(settings.seed)
    from medcnn.explain.gradcam import NoFeatureMapsError, heat_maps
    from medcnn.networks import saving

    shown = {}
    paths.plots("explain", study).mkdir(parents=True, exist_ok=True)
    for gallery in galleries:
        network = saving.load(paths.keras_model(study, gallery.model))
        try:
            heat = heat_maps(network, gallery.pixels, gallery.predicted)
        except NoFeatureMapsError as error:
            print(f"{study}: {gallery.model} is not explained: {error}")
        else:
            shown[gallery.model] = gallery.write(study, heat)
    files.keep_only(paths.plots("explain", study), shown)
    files.keep_only(paths.models(study), settings.run.trained)
    files.write_json(paths.metrics("explain", study), shown)


if __name__ == "__main__":
    run_stage(main, "study")
