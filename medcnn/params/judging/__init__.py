"""What figures, predictions and exported models are judged by."""
