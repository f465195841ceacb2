"""A scorecard learned from the company's data, and what it is good for."""
