-- step_aside: a visitor may hold nothing at present, as their network holds its share of the event.
-- Needs the prelude `queue`.
-- ARGV  1 visitor
-- Returns 1 if the pass stopped reserving room. It lasts as long as before, and while others wait the
-- next is called. Half as many as may be inside step aside at most, so that people who share a network
-- are not let in to compete for nothing.
local visitor = ARGV[1]
local ends = redis.call("ZSCORE", PASSES, visitor)
local waits = (count.waiting or 0) + redis.call("ZCARD", CALLED) > 0
if not ends or not waits or redis.call("ZCOUNT", GRACE, now, "+inf") >= limit() / 2 then return 0 end
redis.call("ZREM", PASSES, visitor)
redis.call("ZADD", GRACE, ends, visitor)
admit()
return 1
