"""The commands. Each module is imported only when its command runs, and has one click command named `command`."""
