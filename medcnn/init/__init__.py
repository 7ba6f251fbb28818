"""``medcnn init`` and ``medcnn check``: what an image set holds, found and doubted, and the block of its study."""
