"""A study between stages: manifest, folds, pixels, views, predictions."""
