-- revoke: take the right to shop away. Needs the prelude `queue`.
-- ARGV  1 a number, wherever it is, or "all": everybody inside or called
-- Returns the visitors whose pass ended by it.
local found = {}
local wanted = tonumber(ARGV[1])
for _, visitor in ipairs(redis.call("ZRANGE", PASSES, 0, -1)) do
  if not wanted or inside_as(visitor) == wanted then
    redis.call("ZREM", PASSES, visitor)
    redis.call("HDEL", INSIDE, visitor)
    found[#found + 1] = visitor
  end
end
if wanted then
  drop(wanted)
else
  redis.call("DEL", CALLED)
end
admit()
return found
