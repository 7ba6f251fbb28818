"""Names of files and patients as they may leave the house: keyed pseudonyms, and the key that stays."""
