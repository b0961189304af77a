"""The command line, its way into a serving station, the terminal phone and the sandbox."""
