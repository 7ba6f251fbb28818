"""Every model of a study scored and compared."""
