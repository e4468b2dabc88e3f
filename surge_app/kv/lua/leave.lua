-- leave: give the place, or the pass, to the next. Needs the prelude `line`.
-- ARGV  1 visitor  2 "left" or "served": how the organizer counts it
-- Returns 1 if the visitor had a place or a pass, else 0.
local visitor = ARGV[1]
local had = redis.call("HDEL", NUMBERS, visitor) + redis.call("ZREM", PASSES, visitor)
redis.call("HDEL", SEEN, visitor)
redis.call("ZREM", LINE, visitor)
redis.call("ZREM", ABSENT, visitor)
if had > 0 then redis.call("HINCRBY", COUNTERS, ARGV[2], 1) end
admit()
return had > 0 and 1 or 0
