"""HTTP and sockets: the only package, with camctl.app, that knows FastAPI."""
