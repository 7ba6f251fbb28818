"""Accuracy by the number of training patients, and what twice as many would bring."""
