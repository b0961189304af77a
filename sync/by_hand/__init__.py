"""The exchange on a stick: the line's frames in a sealed file."""
