"""What a CRM tells us of changes: kept as hints, then looked at in the CRM itself."""
