"""The rules of Surge. One public method is one unit of work; `ports` lead to vendors."""
