"""Results handed to a store of experiments that others keep."""
