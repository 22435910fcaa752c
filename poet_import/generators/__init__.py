"""Generators: what turns O into a text that may become O′."""
