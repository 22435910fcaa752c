"""Judge a text before it may become code."""
