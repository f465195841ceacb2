"""The API's words: what a caller sends and what it gets, declared once.

The same declarations validate requests and make the OpenAPI document. They are typed
dictionaries, not models: a lead with its fifty events is checked by pydantic's compiled
core and stays plain data, no object is made only to be taken apart again.

Times are texts in ISO 8601 with a time of day and an offset; a bare number or a bare
date would mean different moments to different people.
"""
