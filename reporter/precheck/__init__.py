"""What CCE said: the response's models, its times, and its findings."""
