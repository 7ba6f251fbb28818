"""Models as ONNX files: converted or composed, written byte for byte the same, checked against Keras, opened safely."""
