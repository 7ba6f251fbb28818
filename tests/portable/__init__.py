"""``make portable``: every kind of stage on processors of several kinds, emulated where need be."""
