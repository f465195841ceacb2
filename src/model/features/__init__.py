"""What a model may know of a lead: the catalog, and two engines that agree on it."""
