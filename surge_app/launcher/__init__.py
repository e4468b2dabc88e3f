"""Starts Surge on one machine: servers, workers, pages, and what they need from the system."""
