"""``medcnn show``, ``compare``, ``open`` and ``doctor``: results on a terminal, and what this machine has."""
