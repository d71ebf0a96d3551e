"""Authenticates callers: by API keys, and by JWTs of the stack's issuer."""
