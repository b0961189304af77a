"""A phone in the browser, for demonstrations."""
