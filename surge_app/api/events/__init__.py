"""Events and their pictures, for everyone."""
