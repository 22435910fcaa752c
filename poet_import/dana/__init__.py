"""Dana source: read with a grammar of our own, its ``@poet`` functions found, and woven as plain Dana."""
