"""Backups: made, verified, restored, rehearsed."""
