"""Steps that operators' commands share: finding a tenant, asking for confirmation, undoing a change."""
