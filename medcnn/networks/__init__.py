"""Keras networks: architectures, preprocessing, building, saving."""
