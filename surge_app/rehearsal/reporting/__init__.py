"""The result of a rehearsal: checks, figures, charts and pages."""
