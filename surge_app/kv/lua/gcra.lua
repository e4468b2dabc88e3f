-- gcra: prelude of the scripts that count calls; a generic cell rate algorithm (GCRA) over several
-- limiters, all or nothing.
-- KEYS  1 or later: the first limiter (string: theoretical arrival time, us); the others follow
-- ARGV  for each limiter: us between two calls at the steady pace, burst
-- A burst of zero measures, and refuses nobody.
local time = redis.call("TIME")
local now_us = time[1] * 1000000 + time[2]

-- What one more call would do to limiters KEYS[first] to KEYS[last], whose paces begin at
-- ARGV[argument]. Nothing is written.
-- Returns ms until the call may pass (0: now), the new arrival times by index of the key, and the
-- index of the key that demands the wait.
local function pace(first, last, argument)
  local arrivals, wait, strictest = {}, 0, 0
  local found = first <= last and redis.call("MGET", unpack(KEYS, first, last)) or {}
  for i = first, last do
    local interval, burst = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1])
    argument = argument + 2
    local stored = tonumber(found[i - first + 1] or "0")
    -- No call that passed leads further ahead: the clock was set back since.
    if burst > 0 then stored = math.min(stored, now_us + interval * burst) end
    local arrival = math.max(stored, now_us) + interval
    local early = burst > 0 and arrival - interval * burst - now_us or 0
    if early > wait then wait, strictest = early, i end
    arrivals[i] = arrival
  end
  return math.ceil(wait / 1000), arrivals, strictest
end

-- Count the call `pace` has looked at.
local function count(arrivals)
  for i, arrival in pairs(arrivals) do
    -- Lua's own formatting would lose digits of a time in microseconds.
    redis.call("SET", KEYS[i], string.format("%.0f", arrival), "PX",
      math.ceil((arrival - now_us) / 1000) + 1)
  end
end
