"""What generates text."""
