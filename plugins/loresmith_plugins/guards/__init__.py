"""What stands between documents, model and reader: injected instructions are kept from the model, citations checked."""
