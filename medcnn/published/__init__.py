"""What the five studies published, beside what is measured here."""
