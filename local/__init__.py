"""What a person at the machine asks of its station: the way there, and what the serving process does."""
