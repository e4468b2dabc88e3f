-- renew: visitors with a pass are active; no lease ever gets shorter. Needs the prelude `queue`.
-- ARGV  1 lease, ms from now  2 longest life of a pass, ms from its beginning  3… visitors
-- Returns for each visitor the end of the lease in ms, or 0 without a pass.
local found = {}
for i = 3, #ARGV do
  local visitor = ARGV[i]
  local ends = lease_of(visitor)
  if ends then
    local inside = redis.call("HGET", INSIDE, visitor)
    local began = inside and tonumber(string.match(inside, ":(%d+)")) or now
    local wanted = math.min(now + tonumber(ARGV[1]), began + tonumber(ARGV[2]))
    if wanted > ends then
      redis.call("ZADD", PASSES, wanted, visitor)
      ends = wanted
    end
  end
  found[i - 2] = ends or 0
end
return found
