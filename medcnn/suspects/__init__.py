"""Labels that may be wrong, found by what networks say of images that they were not trained on."""
