-- renew: a visitor with a pass is active; the lease never gets shorter. Needs the prelude `line`.
-- ARGV  1 visitor  2 lease, ms from now
-- Returns the end of the lease in ms, or 0 without a pass.
local ends = lease_of(ARGV[1])
if not ends then return 0 end
local wanted = now + tonumber(ARGV[2])
if wanted > ends then
  redis.call("ZADD", PASSES, wanted, ARGV[1])
  ends = wanted
end
return ends
