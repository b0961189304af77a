"""What agencies publish: registers, their rows as each station holds them, and questions that they cannot answer."""
