"""Asking CCE itself, through its own SDK (extra `live`)."""
