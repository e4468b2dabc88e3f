"""State of the admin pages, one module a page, in the same folders as the pages.

Every handler asks anew who is signed in: a connection outlives a session.
"""
