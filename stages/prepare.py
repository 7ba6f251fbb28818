"""Prepare: decode and resize every used image, make the augmented views, and draw the contact sheet."""

from medcnn.core import files
from medcnn.dataset import manifest, pack, views
from medcnn.params import placement
from medcnn.params.shared.loading import load
from medcnn.prepare import preparing
from medcnn.prepare.contact_sheet import contact_sheet
from medcnn.prepare.settings import Settings
from medcnn.reading.archive import raw_archive
from medcnn.runtime import paths
from stages import run_stage


def main(study: str) -> None:
    settings, compute = load(Settings), placement.load()
    images = settings.studies[study].images
    folder = paths.prepared(study)
    rows = manifest.used(paths.manifest(study), "image_id", "path", "label", "group", "split")
    preparing.write_images(raw_archive(paths.raw(study)), rows, images, folder, compute)
    training = manifest.indices(rows, "train")
    recipe = views.Recipe(settings.augment[images.views.policy], images.views.count, settings.seed)
    views.write(folder, recipe, folder, training, rows["image_id"].iloc[training].tolist(), compute)
    sheet = contact_sheet(rows, pack.images(folder), pack.views(folder))
    files.write_bytes(paths.plots("prepare", study) / "contact_sheet.png", sheet)
    size = images.size
    print(f"{study}: {len(rows)} images of {size} x {size} pixels, {recipe.count} views of each training image")


if __name__ == "__main__":
    run_stage(main, "study")
