"""Two versions of the model side by side, kept in the store for pages to read."""
