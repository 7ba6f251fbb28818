"""``medcnn run`` and ``medcnn repro``: from the images to the answer, over DVC."""
