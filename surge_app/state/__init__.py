"""Reflex states: they parse what comes in, call one service, and project the answer.

Every public handler is an endpoint anyone can call from a browser console: each one finds out
again who is asking, from the HttpOnly cookies of the connection, never from an argument.
"""
