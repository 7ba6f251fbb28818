"""``medcnn search``: a recipe chosen inside training and validation, then tested once."""
