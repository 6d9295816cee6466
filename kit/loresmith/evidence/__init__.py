"""Whether a passage says what a sentence claims: words, numbers, dates and names, compared after normalisation."""
