"""Built-in rerankers, one package each."""
