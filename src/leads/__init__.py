"""The words of Leadcast: tables, history, decision, settings, journal. Knows nobody."""
