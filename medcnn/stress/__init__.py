"""Accuracy on degraded images."""
