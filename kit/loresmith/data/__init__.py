"""Examples and documents: reading them, dividing them, checking them."""
