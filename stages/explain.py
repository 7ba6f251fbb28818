"""Explain: what the chosen model of a study looked at, in test images chosen from its predictions."""

from medcnn.core import files
from medcnn.core.seeding import derived, pin_tensorflow
from medcnn.dataset import part
from medcnn.explain import occluding
from medcnn.explain.gallery import gallery
from medcnn.explain.settings import Settings
from medcnn.params.shared.loading import load
from medcnn.pseudonyms import pseudonyms
from medcnn.results import base as results
from medcnn.results.compared import Compared
from medcnn.results.ensembles import Combined
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    settings = load(Settings)
    files.keep_only(paths.models(study), settings.run.trained)
    compared = results.read(paths.metrics("comparisons", study), Compared)
    if settings.studies[study].labels.multi_label:
        print(f"{study}: no gallery, as it is of one answer per image, and images of this study have several")
        paths.plots("explain", study).mkdir(parents=True, exist_ok=True)
        files.write_json(
            paths.metrics("explain", study), {"model": compared.best, "body": None, "methods": {}, "images": {}}
        )
        return
    # Before any map: where bytes are portable it settles how those of exported models are computed.
    pin_tensorflow(settings.seed, portable=settings.compute.portable)
    test = part.read(study, settings.studies[study].labels.class_names)
    macs = results.read(paths.metrics("ensemble", study), Combined).macs
    shown = gallery(study, compared.best, test)
    if not settings.report.full:
        shown = shown.pseudonymous(pseudonyms.of_project())
    images, answers = shown.images, shown.predicted
    onnx = paths.onnx_model(study, compared.best)
    explained = {
        "occlusion": (compared.best, occluding.maps(onnx, images, answers, macs[compared.best], settings.seed))
    }
    from medcnn.explain import gradcam
    from medcnn.networks import saving

    network = compared.networks.best if paths.is_combined(compared.best) else compared.best
    try:
        loaded = saving.load(paths.keras_model(study, network))
        maps = gradcam.maps(loaded, images.pixels(), answers, derived("explain", settings.seed))
        explained["grad_cam"] = (network, maps)
    except gradcam.NoFeatureMapsError as error:
        print(f"{study}: no Grad-CAM of {network}: {error}")
    files.write_json(paths.metrics("explain", study), shown.write(study, explained))


if __name__ == "__main__":
    run_stage(main, "study")
