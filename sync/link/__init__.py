"""The line: its connection, how much it carries, what it may cost."""
