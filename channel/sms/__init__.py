"""SMS in and out: commands, notices, when and by whom they are sent, and what became of them."""
