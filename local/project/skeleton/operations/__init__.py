"""The operations of PROJECT_NAME: every module here is imported, each `@operation` served."""
