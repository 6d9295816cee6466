"""The rooms, and the questions they ask."""
