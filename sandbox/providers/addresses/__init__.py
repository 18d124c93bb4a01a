"""Stand-ins of providers, one module each with a STAND_IN. Any other provider gets the plain one of its dialect."""
