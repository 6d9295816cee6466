"""The floor that the training methods share: adapters, rows, loss, loop, checkpoints, parity. Not a plugin."""
