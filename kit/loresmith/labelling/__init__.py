"""Preferences of people: replies to one question, ranked, and written as rows that preference methods learn from."""
