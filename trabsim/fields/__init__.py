"""Local signaling fields: who secretes, how signals spread, what is received."""
