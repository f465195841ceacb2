"""From challenger to champion: gates, trial, registry, the pointer that serves."""
