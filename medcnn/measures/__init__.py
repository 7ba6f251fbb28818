"""What probabilities are worth."""
