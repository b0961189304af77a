"""Menus and registers between stations: offered by an event, fetched in ranges, as deltas."""
