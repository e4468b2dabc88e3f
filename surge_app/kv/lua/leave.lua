-- leave: give the place, or the pass, to the next. Needs the prelude `line`.
-- ARGV  1 visitor  2 "left" or "served": how the organizer counts it
-- Returns 1 if the visitor had a place or a pass, else 0.
local visitor = ARGV[1]
local had = redis.call("HDEL", NUMBERS, visitor) + redis.call("ZREM", PASSES, visitor)
redis.call("HDEL", SEEN, visitor)
-- A buyer holds units no more, and the stock is only published about once a second: without this
-- one more would be let in than there are units.
if ARGV[2] == "served" and (stock.holders or 0) > 0 then
  stock.holders = redis.call("HINCRBY", STOCK, "holders", -1)
end
redis.call("ZREM", LINE, visitor)
redis.call("ZREM", ABSENT, visitor)
if had > 0 then redis.call("HINCRBY", COUNTERS, ARGV[2], 1) end
admit()
return had > 0 and 1 or 0
