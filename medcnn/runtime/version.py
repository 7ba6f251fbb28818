"""The version of medcnn: here and not in ``medcnn/__init__.py``, on which every stage depends."""

__version__ = "0.1.0"
