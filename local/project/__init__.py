"""A project of its own with the framework in it: made by `make new`, upgraded by `make upgrade`."""
