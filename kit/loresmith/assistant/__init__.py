"""The assistant: from a question to a cited answer."""
