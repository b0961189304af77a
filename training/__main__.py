"""`python -m training`: write sync/dictionary.zstd anew."""

from training import dictionary

print(f"{dictionary.write()} bytes")
