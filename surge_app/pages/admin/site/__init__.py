"""Pages of the admin area: checks, texts, rehearsals and the audit log."""
