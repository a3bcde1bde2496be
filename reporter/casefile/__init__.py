"""What can be proven: the case file of a verdict, its attestation, and the check of both."""
