"""Pages of the admin area: the bookings of a sale, their buyers and their holds."""
