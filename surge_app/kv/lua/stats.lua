-- stats: the queue as the organizer sees it. Needs the prelude `queue`.
-- Returns {absent, admitted, left, served, no_shows}, then the header.
admit()
local found = header()
local values = redis.call("HMGET", COUNTERS, "absent", "admitted", "left", "served", "no_shows")
for i = 1, 5 do table.insert(found, i, number_of(values[i], 0)) end
return found
