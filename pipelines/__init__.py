"""The verbs of ``python -m pipelines``, one file each, thin."""
