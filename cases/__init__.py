"""What the service is about: cases, their references and statuses, and the news that residents get."""
