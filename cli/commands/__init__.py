"""The commands of `sado`, each in the module of its name."""
