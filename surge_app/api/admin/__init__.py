"""The organizer's JSON API."""
