"""What was said of leads that the model had not seen, against what happened."""
