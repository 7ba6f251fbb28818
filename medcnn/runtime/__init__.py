"""Where and how work runs; it shows in no byte of a result."""
