"""What is remodeled: specimens, surface, matrix, ledgers."""
