"""Descriptions of the plain Starlette routes for /openapi.json: one module per endpoint, each with an OPERATION."""
