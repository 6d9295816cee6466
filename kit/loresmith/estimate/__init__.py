"""What a training stage takes before it runs: parameters and memory, by arithmetic alone."""
