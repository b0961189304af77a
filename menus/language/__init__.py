"""Languages and scripts: names, romanisation, folding, formats, and places in every spelling."""
