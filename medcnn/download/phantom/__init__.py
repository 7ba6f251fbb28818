"""The built-in study: synthetic slices of healthy and diseased bodies."""
