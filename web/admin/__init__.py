"""The operator's calls, behind ADMIN_API_KEY. Without that key they don't exist."""
