"""Why a chance changed: an exact split between two predictions of the journal."""
