"""How sure, when and how much: what is said of a lead beside its probability."""
