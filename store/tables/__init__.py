"""Rows, a file for each group of tables; their meaning is elsewhere."""
