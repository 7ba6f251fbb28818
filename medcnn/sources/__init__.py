"""Where raw data comes from, and how an archive is read in place."""
