"""Events, tiers, inventory and cover pictures."""
