"""What travels, byte by byte: docs/wire.md."""
