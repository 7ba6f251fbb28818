"""DICOM and NIfTI files as pictures."""
