"""Trained models as ONNX files: written byte for byte the same, checked against Keras, and timed."""
