-- sync: what is due once a second for every queue. Needs the prelude `queue`.
-- ARGV  1 ceiling: the highest number that may be issued  2 ms after which a finished queue is
--       forgotten  3 available  4 held  5 sold  6 holders  7 free units by tier; empty if not
--       known  8… names and values of the rules
-- Returns the header, then how many visitors are in their grace.
local public, told, changed = {}, {}, false
for _, name in ipairs(PUBLIC_RULES) do public[name] = true end
for i = 8, #ARGV, 2 do
  told[#told + 1], told[#told + 2] = ARGV[i], ARGV[i + 1]
  changed = changed or public[ARGV[i]] and rules[ARGV[i]] ~= ARGV[i + 1]
  rules[ARGV[i]] = ARGV[i + 1]
end
redis.call("HSET", RULES, unpack(told))
if changed and count.start then record_rules() end
if ARGV[3] ~= "" then
  redis.call("HSET", STOCK, "available", ARGV[3], "held", ARGV[4], "sold", ARGV[5], "holders", ARGV[6],
    "by_tier", ARGV[7])
  stock = { available = tonumber(ARGV[3]), held = tonumber(ARGV[4]), holders = tonumber(ARGV[6]), by_tier = ARGV[7] }
end
if count.start then
  if tonumber(ARGV[1]) > (count.ceiling or 0) then set("ceiling", tonumber(ARGV[1])) end
  if not count.run then note_run() end
  close_lobby()
  admit()
  if sale() == "ended" and redis.call("PTTL", COUNTERS) == -1 then
    expire(ARGV[2])
  end
  -- Older than half a second, so that the next call of any script moves it.
  set("last_tick", now - 501)
end
local found = header()
found[#found + 1] = size(GRACE)
return found
