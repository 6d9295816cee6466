"""The command line: parses, calls the core, renders. One file a command."""
