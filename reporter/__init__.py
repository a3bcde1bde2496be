"""May this Kubernetes cluster be upgraded? Judges CCE pre-upgrade checks against policies."""

__version__ = "0.1.0"
