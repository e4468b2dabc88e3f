-- grant: let a visitor in past the queue, because units are held for them. Needs the prelude `queue`.
-- ARGV  1 lease, ms from now  2 visitor
-- Returns the end of the lease in ms. Nobody else is admitted until there is room again.
local visitor = ARGV[2]
local ends = lease_of(visitor)
if not ends then
  local number = tonumber(redis.call("HGET", NUMBERS, visitor) or "")
  if number then drop(number) end
  add("admitted", 1)
  let_in(visitor, number or 0, now)
end
ends = math.max(ends or 0, now + tonumber(ARGV[1]))
redis.call("ZADD", PASSES, ends, visitor)
return ends
