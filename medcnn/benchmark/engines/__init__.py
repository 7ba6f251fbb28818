"""The engines that are timed."""
