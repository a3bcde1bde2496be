"""The Rego policy over one response through regopy: prints how many findings it refuses."""

import json
import sys

from regopy import Interpreter

rego = Interpreter()
with open(sys.argv[2], encoding="utf-8") as module:
    rego.add_module("main", module.read().replace("import rego.v1\n", ""))
with open(sys.argv[1], encoding="utf-8") as response:
    rego.set_input(json.load(response))
print(len(json.loads(str(rego.query("x=data.main.deny")))["bindings"]["x"]))
