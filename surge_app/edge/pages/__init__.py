"""The pages that the edge writes itself, and access to all the others."""
