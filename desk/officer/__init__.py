"""The officer of an agency: pages, and the API for the agency's own system."""
