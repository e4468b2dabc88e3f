"""Identity of visitors and admin users: signed cookies, tokens, sessions."""
