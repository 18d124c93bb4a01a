"""The checks that every HTTP request passes before its route."""
