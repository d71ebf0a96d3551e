"""HTTP to hosts chosen by callers; knows neither AWS nor jobs."""
