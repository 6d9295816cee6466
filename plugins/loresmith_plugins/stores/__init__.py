"""Built-in vector stores, one module each."""
