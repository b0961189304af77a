"""`python -m bench.training`: write sync/wire/dictionary.zstd anew."""

from bench.training import dictionary

print(f"{dictionary.write()} bytes")
