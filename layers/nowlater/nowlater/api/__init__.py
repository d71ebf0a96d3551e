"""HTTP: the routes of the API, its requests and its responses."""
