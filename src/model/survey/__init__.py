"""What the data hold before anything is learned: data card, horizon, readiness."""
