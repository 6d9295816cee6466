"""The ways to train: one room a method."""
