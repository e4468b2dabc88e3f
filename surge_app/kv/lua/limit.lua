-- limit: a generic cell rate algorithm (GCRA); refused calls cost nothing.
-- KEYS  1 limiter (string: theoretical arrival time, us)
-- ARGV  1 us between two calls at the steady pace  2 burst
-- Returns 0 if the call may pass, else ms until it may.
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = math.max(tonumber(redis.call("GET", KEYS[1]) or "0"), now) + interval
local wait = arrival - interval * burst - now
if wait > 0 then return math.ceil(wait / 1000) end
-- Lua's own formatting would lose digits of a time in microseconds.
redis.call("SET", KEYS[1], string.format("%.0f", arrival), "PX", math.ceil((arrival - now) / 1000) + 1)
return 0
