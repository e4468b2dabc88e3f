"""What Surge does. One public method is one unit of work; vendors are reached through `ports`."""
