-- join: take a number, or keep the one the visitor has. Needs the prelude `line`.
-- ARGV  1 visitor
-- Returns the common answer. No number is issued before the opening, after the end, to someone
-- inside, or when everything is sold.
local visitor = ARGV[1]
keep(visitor) -- before anyone is admitted: who returns is not passed over for having been away
admit()
local sold_out = stock.available and stock.available + stock.held == 0
if sale() == "open" and not sold_out and not lease_of(visitor) and not keep(visitor) then
  local number = redis.call("HINCRBY", COUNTERS, "issued", 1)
  redis.call("HSET", NUMBERS, visitor, number)
  redis.call("HSET", SEEN, visitor, now)
  redis.call("ZADD", LINE, number, visitor)
  admit()
end
return answer(visitor)
