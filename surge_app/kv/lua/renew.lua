-- renew: look at passes, and extend those in use; no lease ever gets shorter. Needs the prelude `queue`.
-- ARGV  1 lease, ms from now; zero only looks  2 longest life of a pass, ms from its beginning
--       3 "1" if the visitors hold units: only then does grace become a pass again  4… visitors
-- Looking writes nothing, so that a Redis whose memory is full still knows its passes.
-- Returns for each visitor the end of the lease in ms, or 0 without a pass.
local lease, has_hold = tonumber(ARGV[1]), ARGV[3] == "1"
local found = {}
for i = 4, #ARGV do
  local visitor = ARGV[i]
  local ends = lease_of(visitor)
  local is_pass = score(PASSES, visitor)
  if ends and (has_hold or (is_pass and lease > 0)) then
    local inside = redis.call("HGET", INSIDE, visitor) or "0"
    if has_hold then note_hold(tonumber(string.match(inside, "^%d+"))) end
    local began = tonumber(string.match(inside, ":(%d+)")) or now
    local wanted = math.min(now + lease, began + tonumber(ARGV[2]))
    if wanted > ends or not is_pass then
      ends = math.max(ends, wanted)
      take(GRACE, visitor)
      put(PASSES, ends, visitor)
    end
  end
  found[i - 3] = ends or 0
end
return found
