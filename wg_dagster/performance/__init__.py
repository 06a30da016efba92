"""What was earned, against what, and why."""
