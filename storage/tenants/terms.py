"""The version of the terms that tenants agree to before their first payment."""

TERMS_VERSION = "2026-11-25"
"""The version of `terms.text` of the locales. Change both together: users are then asked again."""
