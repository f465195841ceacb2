"""How a model is taken apart at training, for the page of the data scientist."""
