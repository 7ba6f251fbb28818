"""Resized pixels and augmented views."""
