"""The only place that imports dagster: thin assets over the stations."""
