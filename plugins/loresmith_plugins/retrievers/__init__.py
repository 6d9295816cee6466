"""Built-in retrievers, one package each."""
