"""Pictures of run folders.  Reads files only, never a live simulation."""
