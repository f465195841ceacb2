"""What is wrong with a funnel: where leads stick, what is not done, clearer stages."""
