"""How a verdict gets out: one module per format, all of them functions of the record alone."""
