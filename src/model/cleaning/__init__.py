"""Which leads of a dump are one person or company, and what to do with each."""
