"""What every table holds, and what its rows must satisfy where they cross a border."""
