"""Where hot, warm and cold begin, and how many leads a team can call."""
