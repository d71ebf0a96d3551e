"""HTTP to hosts that a caller named; knows neither AWS nor jobs."""
