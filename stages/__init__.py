"""The pipeline's scripts, one a DVC stage."""
