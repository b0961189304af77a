"""USSD: hops, sessions and their repeats."""
