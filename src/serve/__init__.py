"""The model in use: one scoring path, HTTP, pages, reports."""
