"""The report: one self-contained page over everything that the pipeline measured."""
