"""The main job: check, split, index, train, measure, decide, promote."""
