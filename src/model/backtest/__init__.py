"""Past months replayed: what models of then said, and what happened."""
