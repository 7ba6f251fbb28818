"""Pretrained weights as a tracked input."""
