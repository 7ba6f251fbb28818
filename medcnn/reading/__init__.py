"""Archives and image files, read in place."""
