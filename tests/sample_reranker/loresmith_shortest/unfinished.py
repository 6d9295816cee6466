"""A plugin that fails before it has said anything."""

raise ImportError("libfoo is not installed")
