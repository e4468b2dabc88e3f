-- limit: count one call with all limiters, or with none. Needs the prelude `gcra`.
-- KEYS  1… limiters
-- ARGV  for each: us between two calls at the steady pace, burst
-- Returns {0, 0} if the call may pass, else {ms until it may, index of the limiter that says so}.
local wait, arrivals, strictest = pace(1, #KEYS, 1)
if wait == 0 then count(arrivals) end
return { wait, strictest }
