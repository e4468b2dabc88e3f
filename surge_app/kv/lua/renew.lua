-- renew: visitors with a pass are active; no lease ever gets shorter. Needs the prelude `line`.
-- ARGV  1 lease, ms from now  2… visitors
-- Returns for each visitor the end of the lease in ms, or 0 without a pass.
local wanted = now + tonumber(ARGV[1])
local found = {}
for i = 2, #ARGV do
  local ends = lease_of(ARGV[i])
  if ends and wanted > ends then
    redis.call("ZADD", PASSES, wanted, ARGV[i])
    ends = wanted
  end
  found[i - 1] = ends or 0
end
return found
