"""One model trained on one study."""
