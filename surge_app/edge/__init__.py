"""The gate: the outermost layers. They answer polls, and decide which page a person may open."""
