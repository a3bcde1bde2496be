"""How many examples a property is tried on: few in each run, many in `make prove`."""

from __future__ import annotations

import os

MANY = os.environ.get("HYPOTHESIS_PROFILE") == "search"


def examples(few: int) -> int:
    """So many, and twenty times as many where the search is what is asked for."""
    return few * 20 if MANY else few
