"""Keras to ONNX, in float32 and int8, with stable bytes."""
