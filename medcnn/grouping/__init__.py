"""Patients and duplicates: what must stay together, and how groups are dealt."""
