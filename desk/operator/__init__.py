"""The operator of a service centre: what waits, cases, the line, unfinished forms, polls."""
