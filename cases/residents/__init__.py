"""What a resident does beside filing: subscriptions, replies, polls, additions, and her own data."""
