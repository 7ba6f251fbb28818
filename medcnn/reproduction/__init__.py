"""What the studies published, set beside what is measured here."""
