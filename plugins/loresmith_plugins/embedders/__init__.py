"""Built-in embedders: what turns texts into vectors, one package each."""
