"""What is written back to a card: planned, kept, sent, and found again."""
