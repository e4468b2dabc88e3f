"""The gate: the outermost layer. It answers polls, and decides which page a person may open."""
