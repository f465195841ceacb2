"""Doors to the companies' data: exports today, CRMs behind the same port."""
