"""Menus and registers on their way: what this station offers to those behind it, and what it takes in."""
