"""What is acceptable: the policy language, and the one place where verdicts are reached."""
