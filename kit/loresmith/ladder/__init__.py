"""The ladder: the same held-out questions through every rung, compared in pairs, and the verdict."""
