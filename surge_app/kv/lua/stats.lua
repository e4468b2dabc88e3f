-- stats: the line as the organizer sees it. Needs the prelude `line`.
-- Returns {waiting, inside, admitted, left, issued}.
admit()
local counters = redis.call("HMGET", COUNTERS, "admitted", "left", "issued")
return { redis.call("ZCARD", LINE) + redis.call("ZCARD", ABSENT), redis.call("ZCARD", PASSES),
  number_of(counters[1], 0), number_of(counters[2], 0), number_of(counters[3], 0) }
