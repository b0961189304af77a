"""One round trip that carries events both ways, and what each side remembers of it."""
