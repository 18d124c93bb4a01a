"""Wire formats of the stand-ins, one module each."""
