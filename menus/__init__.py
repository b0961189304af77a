"""What a citizen reads and types: measured text, pages that fit, and places."""
