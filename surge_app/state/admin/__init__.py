"""What the pages of the console show, one module for each page.

Every handler asks anew who is signed in: a connection outlives a session.
"""
