"""The administrator: who is let in, people, agencies' systems and other stations."""
