"""What is learned from: moments of leads, whether they converted, who proves."""
