"""Prepare: decode and resize every used image, make the augmented views, and draw the contact sheet."""

from medcnn.core import files
from medcnn.dataset import manifest, pack
from medcnn.dataset.views import Recipe
from medcnn.params import whole
from medcnn.prepare import preparing
from medcnn.prepare.contact_sheet import contact_sheet
from medcnn.reading.archive import raw_archive
from medcnn.runtime import paths
from medcnn.runtime.console import run_stage


def main(study: str) -> None:
    settings = whole.load()
    block = settings.study(study)
    folder = paths.prepared(study)
    rows = manifest.used(paths.manifest(study), "image_id", "path", "label", "group", "split")
    preparing.write_images(raw_archive(paths.raw(study)), rows, block, folder, settings.compute)
    recipe = Recipe(settings.augment[block.images.views.policy], block.images.views.count, settings.seed)
    preparing.write_views(rows, recipe, folder, settings.compute)
    sheet = contact_sheet(rows, pack.images(folder), pack.views(folder))
    files.write_bytes(paths.plots("prepare", study) / "contact_sheet.png", sheet)
    size, views = block.images.size, block.images.views.count
    print(f"{study}: {len(rows)} images of {size} x {size} pixels, {views} views of each training image")


if __name__ == "__main__":
    run_stage(main, "study")
