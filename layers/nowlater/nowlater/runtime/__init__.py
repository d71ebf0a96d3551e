"""Defines and runs operations; knows nothing of jobs."""
