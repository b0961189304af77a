"""Phones: USSD and SMS through gateways, and the terminal phone."""
