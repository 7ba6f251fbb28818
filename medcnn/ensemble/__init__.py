"""Ensembles and cascades of trained models, from their predictions."""
