"""Markup of a model's own chat format that some servers leave in the text: end tokens and tool calls."""
