"""The recipe: what an assistant is made of, in one YAML file."""
