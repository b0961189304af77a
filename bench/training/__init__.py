"""What the dictionary and the alphabet of the exchange are made of: invented events with invented texts. Nothing here
is installed.

`python -m bench.training` writes both anew (sync/wire/dictionary.zstd, alphabet.txt). Then `python -m
tests.support.vectors` writes the test vectors anew, and docs/wire.md needs the compressed bytes of its examples."""
