"""What the dictionary of the exchange was trained on: invented events with invented texts. Nothing here is installed.

`python -m bench.training` writes sync/wire/dictionary.zstd anew."""
