"""`python -m bench.training`: write sync/wire/alphabet.txt and dictionary.zstd anew."""

from bench.training import alphabet, dictionary

print(f"{alphabet.write(dictionary.SEED, dictionary.COUNT)} letters")
print(f"{dictionary.write()} bytes")
