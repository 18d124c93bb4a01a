"""Models and offers: capabilities, prices, token counts."""
