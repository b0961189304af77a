"""Store and forward: the outbox, the exchange with other stations, and the schedule that drives them."""
