"""From snapshots to a proved bundle: features, learning, explanation, registry."""
