"""Retrieval settings chosen on questions of the train and dev sides, never on the test side."""
