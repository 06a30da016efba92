"""Raw rows become rows that fit together: one id a security, one row a session, one row a version of a quarter."""
