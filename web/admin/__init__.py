"""The operator's routes, which need ADMIN_API_KEY. Without that setting they do not exist."""
