"""The index of what the assistant looks up: documents cut, embedded, kept, and found again."""
