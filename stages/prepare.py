"""Prepare: decode and resize every used image, make the augmented views, and draw the contact sheet."""

from medcnn import files, layout, manifest, params, preparing
from medcnn.console import run_stage
from medcnn.images import pack
from medcnn.images.contact_sheet import contact_sheet
from medcnn.sources.archive import raw_archive
from medcnn.views import Recipe


def main(study: str) -> None:
    settings = params.load()
    block = settings.study(study)
    folder = layout.prepared(study)
    rows = manifest.used(layout.manifest(study))
    preparing.write_images(raw_archive(layout.raw(study)), rows, block, folder, settings.compute)
    recipe = Recipe(settings.augment[block.views.policy], block.views.count, settings.seed)
    preparing.write_views(rows, recipe, folder, settings.compute)
    sheet = contact_sheet(rows, pack.images(folder), pack.views(folder))
    files.write_bytes(layout.plots("prepare", study) / "contact_sheet.png", sheet)
    print(f"{study}: {len(rows)} images at {block.image_size} pixels a side, {block.views.count} views in training")


if __name__ == "__main__":
    run_stage(main, "study")
