"""Steps that the operators' commands share: finding a tenant, asking before a change, undoing it."""
