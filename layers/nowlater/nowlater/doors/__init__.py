"""What accepts a request: the sync, async and hybrid doors, retries and uploads."""
