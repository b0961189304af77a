"""From the files of a pack to screens: reading, checking, building."""
