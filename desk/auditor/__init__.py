"""What auditors see: who did and read what."""
