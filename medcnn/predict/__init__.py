"""``python -m medcnn predict``: an exported model on images, with NumPy, Pillow and ONNX Runtime alone."""
