"""Pages of the admin area: the list of sales, and the dashboard and queue of one."""
