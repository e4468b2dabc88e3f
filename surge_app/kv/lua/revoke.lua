-- revoke: take the right to shop away. Needs the prelude `line`.
-- ARGV  1 a number, wherever it is, or "all": everybody inside or called
-- Returns the visitors whose pass ended by it.
local found = {}
local wanted = ARGV[1]
for _, visitor in ipairs(redis.call("ZRANGE", PASSES, 0, -1)) do
  local inside = redis.call("HGET", INSIDE, visitor) or "0:"
  if wanted == "all" or string.match(inside, "^%d+") == wanted then
    redis.call("ZREM", PASSES, visitor)
    redis.call("HDEL", INSIDE, visitor)
    found[#found + 1] = visitor
  end
end
if wanted ~= "all" then
  drop(tonumber(wanted))
else
  redis.call("DEL", CALLED)
end
admit()
return found
