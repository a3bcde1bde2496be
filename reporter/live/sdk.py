"""The official SDK, imported without what it does on import."""

from __future__ import annotations

import sys
from types import ModuleType

from reporter import __version__

# Importing the SDK's own module of this name writes an id into the home folder.
_WRITES_INTO_HOME = "huaweicloudsdkcore.http.user_agent"

if _WRITES_INTO_HOME not in sys.modules:
    _stand_in = ModuleType(_WRITES_INTO_HOME)
    _stand_in.user_agent_string = f"cce-precheck/{__version__}"  # type: ignore[attr-defined]
    sys.modules[_WRITES_INTO_HOME] = _stand_in

import huaweicloudsdkcce.v3 as cce  # noqa: E402 - after the stand-in

__all__ = ["cce"]
