-- revoke: take the right to shop away. Needs the prelude `queue`.
-- ARGV  1 a number, wherever it is, or "all": every visitor inside or called
-- Returns the visitors whose pass ended by it.
local found = {}
local wanted = tonumber(ARGV[1])
for _, key in ipairs({ PASSES, GRACE }) do
  for _, visitor in ipairs(redis.call("ZRANGE", key, 0, -1)) do
    if not wanted or inside_as(visitor) == wanted then
      end_pass(visitor)
      found[#found + 1] = visitor
    end
  end
end
if wanted then
  drop(wanted)
else
  take_all(CALLED)
end
admit()
return found
