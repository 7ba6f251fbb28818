"""Galleries of what networks look at, by Grad-CAM."""
