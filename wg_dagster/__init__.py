"""From vendor files to client letters: the stations of a rule-based investment service."""
