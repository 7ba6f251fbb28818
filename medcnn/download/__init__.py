"""Raw data, brought here as one archive."""
