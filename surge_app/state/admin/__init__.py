"""State of the admin pages, one module a page.

Every handler asks anew who is signed in: a connection outlives a session.
"""
