-- check_join: may this visitor join the queue? Counts the attempt and spends its proof of work, all or
-- nothing. Needs the prelude `gcra`, and `numbers`.
-- KEYS  1 rules (hash: phase, challenge)  2 numbers (see `numbers`)  3 passes (zset: visitor)
--       4 counters (hash: waiting, buckets)  5 pressure (hash: slot, asked, refused, asked_before,
--       refused_before, until_ms)  6 proved (string: the visitor has proved and got no place yet)
--       7 spent (set: used solutions that expire in the same minutes)  8… limiters; those of the visitor alone come first
-- ARGV  1 visitor  2 ms the solution stays valid, none is zero and a wrong one negative
--       3 how many limiters are the visitor's own  4 how many calls the last limiter may be behind
--       before the mode `auto` asks its network for proof  5 digest of the solution
--       6… for each limiter: us between calls, burst
-- Returns {verdict, ms to wait, attempts per second, then for each limiter the calls it has not
-- digested yet}. The verdict is "unknown" (no such event), "known" (has a place or a pass),
-- "limited", "challenge" (no proof, and one is needed), "proved" (it was spent) or "free".
local WINDOW_MS, LINGER_MS, PROOF_WINDOW_MS = 5000, 60000, 300000
local PER_SECOND, WAITING, REFUSED_SHARE, FEWEST = 10, 500, 0.2, 20

local visitor, validity, own = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = math.floor(now_us / 1000)

local phase, mode = unpack(redis.call("HMGET", KEYS[1], "phase", "challenge"))
if not phase then return { "unknown", 0, 0 } end
local waiting, buckets = unpack(redis.call("HMGET", KEYS[4], "waiting", "buckets"))
if redis.call("HEXISTS", bucket_of(visitor, KEYS[2], tonumber(buckets or "1")), visitor) == 1
  or tonumber(redis.call("ZSCORE", KEYS[3], visitor) or "0") > now then
  local wait, arrivals = pace(8, 7 + own, 6)
  if wait > 0 then return { "limited", wait, 0 } end
  count(arrivals)
  return { "known", 0, 0 }
end

-- Attempts in a sliding window, and how many of them were refused.
local names = { "slot", "asked", "refused", "asked_before", "refused_before", "until_ms" }
local seen = {}
for i, value in ipairs(redis.call("HMGET", KEYS[5], unpack(names))) do
  seen[names[i]] = tonumber(value or "0")
end
local slot = math.floor(now / WINDOW_MS)
if slot ~= seen.slot then
  local follows = slot == seen.slot + 1
  seen.asked_before, seen.refused_before = follows and seen.asked or 0, follows and seen.refused or 0
  seen.slot, seen.asked, seen.refused = slot, 0, 0
end
seen.asked = seen.asked + 1
local passed = (now % WINDOW_MS) / WINDOW_MS
local asked = seen.asked + seen.asked_before * (1 - passed)
local per_second = asked / (WINDOW_MS / 1000)

-- It takes the whole of one of these to turn the pressure on, and half of one keeps it on.
local function presses(share)
  local refused = seen.refused + seen.refused_before * (1 - passed)
  return per_second >= PER_SECOND * share
    or tonumber(waiting or "0") >= WAITING * share
    or (asked >= FEWEST and refused >= asked * REFUSED_SHARE * share)
end
-- No crowd leads further ahead: the clock was set back since.
seen.until_ms = math.min(seen.until_ms, now + LINGER_MS)
if presses(seen.until_ms > now and 0.5 or 1) then seen.until_ms = now + LINGER_MS end

local function finish(verdict, wait, arrivals)
  if verdict == "limited" or validity < 0 then seen.refused = seen.refused + 1 end
  local fields = {}
  for _, name in ipairs(names) do
    fields[#fields + 1] = name
    fields[#fields + 1] = string.format("%.0f", seen[name])
  end
  redis.call("HSET", KEYS[5], unpack(fields))
  redis.call("PEXPIRE", KEYS[5], LINGER_MS + WINDOW_MS)
  local answer = { verdict, wait, math.floor(per_second) }
  for i = 8, #KEYS do
    answer[#answer + 1] = math.floor((arrivals[i] - now_us) / tonumber(ARGV[6 + 2 * (i - 8)]))
  end
  return answer
end

local wait, arrivals = pace(8, #KEYS, 6)
if wait > 0 then return finish("limited", wait, arrivals) end
count(arrivals)
local is_crowd = #KEYS > 7 and (arrivals[#KEYS] - now_us) / tonumber(ARGV[#ARGV - 1]) > tonumber(ARGV[4])
if mode ~= "always" and (mode ~= "auto" or (seen.until_ms <= now and not is_crowd)) then
  return finish("free", 0, arrivals)
end
if redis.call("DEL", KEYS[6]) == 1 then return finish("proved", 0, arrivals) end
if validity > 0 then
  if redis.call("SADD", KEYS[7], ARGV[5]) == 1 then
    redis.call("PEXPIRE", KEYS[7], validity + PROOF_WINDOW_MS)
    return finish("proved", 0, arrivals)
  end
  validity = -1
end
return finish("challenge", 0, arrivals)
