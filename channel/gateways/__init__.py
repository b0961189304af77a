"""Gateways: one file for each provider between a network and us, behind channel/contract.py."""
