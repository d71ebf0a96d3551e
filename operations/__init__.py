"""The operations that this API serves: every module here is imported, each `@operation` served."""
