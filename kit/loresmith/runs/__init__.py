"""Runs: one execution with everything needed to do it again."""
