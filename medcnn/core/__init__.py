"""Bytes: files, seeding, zips; errors and Markdown."""
