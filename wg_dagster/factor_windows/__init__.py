"""What a month end looks back on: windows over prices and statements, as arrays, for the Python models of the dbt project."""
