"""How a response gets in: from bytes to a validated task, or one clear line why not."""
