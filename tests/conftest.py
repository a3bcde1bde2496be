"""How properties are tried: the same examples in every run, new ones in `make prove`."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", max_examples=60, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
