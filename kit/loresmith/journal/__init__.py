"""What people said and judged: conversations, thumbs, preferences; SQLite, beside the runs."""
