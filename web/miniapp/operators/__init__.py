"""The operators' pages of the Mini App beside health and margin: tenants, providers, incidents."""
