"""What the effects of a tree do, a file for each group."""
