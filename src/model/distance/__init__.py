"""How far a lead is from the deal: by hand, by count and by the model."""
