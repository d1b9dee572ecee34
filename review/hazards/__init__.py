"""What a reviewer must not miss, one module a category."""
