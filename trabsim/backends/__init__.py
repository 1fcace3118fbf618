"""Array backends, registered by name and imported only when asked for."""
