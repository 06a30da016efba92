"""From target weights to fills, holdings and daily value."""
