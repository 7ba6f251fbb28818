"""``medcnn run``: one study from its images to the answer, over DVC."""
