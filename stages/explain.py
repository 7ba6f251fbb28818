"""Explain: what the best and the worst network of a study looked at, in test images chosen from their predictions."""

from medcnn.core import files
from medcnn.core.seeding import pin_tensorflow
from medcnn.dataset import part
from medcnn.explain.gallery import gallery
from medcnn.explain.settings import Settings
from medcnn.params.shared.loading import load
from medcnn.results import base as results
from medcnn.results.evaluated import Compared
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    settings = load(Settings)
    test = part.read(study, settings.studies[study].labels.class_names)
    networks = results.read(paths.metrics("comparisons", study), Compared).networks
    if several := settings.studies[study].labels.multi_label:
        print(f"{study}: no galleries, as they are of one answer per image, and images of this study have several")
    # One model may be both.
    chosen_models = [] if several else sorted({networks.best, networks.worst})
    galleries = [gallery(study, name, test) for name in chosen_models]
    pin_tensorflow(settings.seed, portable=settings.compute.portable)
    from medcnn.explain.gradcam import NoFeatureMapsError, grad_cam
    from medcnn.networks import saving

    shown = {}
    paths.plots("explain", study).mkdir(parents=True, exist_ok=True)
    for chosen in galleries:
        network = saving.load(paths.keras_model(study, chosen.model))
        try:
            heat = grad_cam(network, chosen.images.pixels(), chosen.predicted)
        except NoFeatureMapsError as error:
            print(f"{study}: {chosen.model} is not explained: {error}")
        else:
            shown[chosen.model] = chosen.write(study, heat)
    files.keep_only(paths.plots("explain", study), shown)
    files.keep_only(paths.models(study), settings.run.trained)
    files.write_json(paths.metrics("explain", study), shown)


if __name__ == "__main__":
    run_stage(main, "study")
