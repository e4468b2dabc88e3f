-- end_hold: holds ended without tickets, so their visitors reserve nothing any more.
-- Needs the prelude `queue`.
-- ARGV  1… visitors
-- Returns how many passes stopped reserving; the head of the queue is called at once. Stale counts of
-- the stock do no harm: `holders` and `available` change together when they are next published.
local released = 0
for _, holder in ipairs(ARGV) do
  local visitor = lease_of(holder) and holder or successor(holder) or holder
  local inside = redis.call("HGET", INSIDE, visitor)
  if inside and take(PASSES, visitor) == 1 then
    local began, ended = string.match(inside, "^(%d+:%d+):?(%d*)$")
    ended = (tonumber(ended) or 0) + 1
    released = released + 1
    if ended < MAX_ENDED_HOLDS then
      local waits = (count.waiting or 0) + size(CALLED) > 0
      redis.call("HSET", INSIDE, visitor, began .. ":" .. ended)
      put(GRACE, now + (waits and GRACE_MS or GRACE_ALONE_MS), visitor)
    else
      end_pass(visitor)
    end
  end
end
admit()
return released
