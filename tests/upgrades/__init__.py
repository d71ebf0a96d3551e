"""What each released version wrote, kept as it wrote it, so that every later one can be held to it."""
