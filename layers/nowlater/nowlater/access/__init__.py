"""Who calls: API keys, and the JWTs of a stack's issuer."""
