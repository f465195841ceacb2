"""Learners of log-odds, each judged on rows it never saw, and their blend."""
