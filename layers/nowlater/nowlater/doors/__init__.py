"""The doors, which accept requests: sync, async and hybrid, retries and uploads."""
