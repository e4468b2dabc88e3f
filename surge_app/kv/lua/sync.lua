-- sync: what is due once a second for every queue. Needs the prelude `queue`.
-- ARGV  1 ceiling: the highest number that may be issued  2 ms after which a finished queue is
--       forgotten  3 available  4 held  5 sold  6 holders  7 free units by tier; empty if not
--       known  8… names and values of the rules
-- Returns the header, then how many visitors are in their grace.
local PUBLIC_RULES = { phase = true, opens_at_ms = true, closes_at_ms = true, paused = true,
  concurrent_buyers = true, admissions_per_minute = true, queue_order = true, commitment = true }
local told, changed = {}, false
for i = 8, #ARGV, 2 do
  told[#told + 1], told[#told + 2] = ARGV[i], ARGV[i + 1]
  changed = changed or PUBLIC_RULES[ARGV[i]] and rules[ARGV[i]] ~= ARGV[i + 1]
  rules[ARGV[i]] = ARGV[i + 1]
end
redis.call("HSET", RULES, unpack(told))
if changed and count.start then
  -- Pauses and rules count from the second in which the queue learned of them.
  local public = {}
  for name in pairs(PUBLIC_RULES) do public[name] = rules[name] end
  local words = cjson.encode(public)
  record("u", now_s, struct.pack(">I4", #words) .. words)
end
if ARGV[3] ~= "" then
  redis.call("HSET", STOCK, "available", ARGV[3], "held", ARGV[4], "sold", ARGV[5], "holders", ARGV[6],
    "by_tier", ARGV[7])
  stock = { available = tonumber(ARGV[3]), held = tonumber(ARGV[4]), holders = tonumber(ARGV[6]), by_tier = ARGV[7] }
end
if count.start then
  if tonumber(ARGV[1]) > (count.ceiling or 0) then set("ceiling", tonumber(ARGV[1])) end
  close_lobby()
  admit()
  if sale() == "ended" and redis.call("PTTL", COUNTERS) == -1 then
    for _, key in ipairs(KEYS) do redis.call("PEXPIRE", key, ARGV[2]) end
  end
  -- Older than half a second, so that the next call of any script moves it.
  set("last_tick", now - 501)
end
local found = header()
found[#found + 1] = size(GRACE)
return found
