"""The model store: from a name in a recipe to a verified folder of weights on this machine."""
