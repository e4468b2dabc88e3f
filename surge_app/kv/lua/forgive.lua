-- forgive: take back one call that `limit` counted. Needs the prelude `gcra`.
-- KEYS  1… limiters
-- ARGV  for each: us between two calls at the steady pace
-- Returns 0.
for i, key in ipairs(KEYS) do
  local arrival = tonumber(redis.call("GET", key) or "0") - tonumber(ARGV[i])
  if arrival <= now_us then
    redis.call("DEL", key)
  else
    redis.call("SET", key, string.format("%.0f", arrival), "PX",
      math.ceil((arrival - now_us) / 1000) + 1)
  end
end
return 0
