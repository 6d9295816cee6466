"""What makes training data."""
