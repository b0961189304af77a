"""Sado: deal with the state from any phone. The packages are described in docs/architecture.md."""
