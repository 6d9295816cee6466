"""Every built-in source, retriever, engine, method and metric: one room each, all behind entry points."""
