"""An exported model, opened safely: NumPy, Pillow and ONNX Runtime alone."""
