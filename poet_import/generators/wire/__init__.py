"""HTTP to language models: the only room that knows the HTTP library."""
