-- line: prelude of the scripts of the waiting room; names the keys and admits by number.
-- KEYS  1 rules (hash: phase, opens_at_ms, closes_at_ms, paused, concurrent_buyers,
--         admissions_per_minute, message)
--       2 stock (hash: available, held, sold, holders)   3 counters (hash: issued, admitted, left,
--         served)
--       4 numbers (hash: visitor -> number)              5 line (zset: visitor by number)
--       6 absent (zset: visitor by number)               7 seen (hash: visitor -> ms)
--       8 passes (zset: visitor by end of lease, ms)     9 recent (zset: number by admission, ms)
-- The clock is Redis TIME. The line holds those who poll; whoever stops is moved to `absent` with
-- the number kept, and returns to the line by polling again: nobody behind waits for them.
local RULES, STOCK, COUNTERS, NUMBERS, LINE, ABSENT, SEEN, PASSES, RECENT =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]

local MINUTE_MS = 60000
local PATIENCE_MS = 45000
local CLAIM_MS = 90000

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function number_of(value, default)
  return tonumber(value or "") or default
end

local rules = {}
do
  local names = { "phase", "opens_at_ms", "closes_at_ms", "paused", "concurrent_buyers",
    "admissions_per_minute", "message" }
  local values = redis.call("HMGET", RULES, unpack(names))
  for i, name in ipairs(names) do rules[name] = values[i] end
end
local stock = {}
do
  local names = { "available", "held", "holders" }
  local values = redis.call("HMGET", STOCK, unpack(names))
  for i, name in ipairs(names) do stock[name] = number_of(values[i], nil) end
end

-- Whether the sale is open: "open", "scheduled", "ended" or "unknown" (no rules known).
local function sale()
  if not rules.phase then return "unknown" end
  if rules.phase ~= "published" then return "ended" end
  if now < number_of(rules.opens_at_ms, 0) then return "scheduled" end
  if now >= number_of(rules.closes_at_ms, math.huge) then return "ended" end
  return "open"
end

-- Passes that may be in use: nobody is let in to find nothing, so only as many newcomers as
-- there are free units, beside those who hold units already.
local function limit()
  local cap = number_of(rules.concurrent_buyers, 0)
  if not stock.available then return cap end
  return math.min(cap, (stock.holders or 0) + stock.available)
end

local function admit()
  redis.call("ZREMRANGEBYSCORE", PASSES, "-inf", now)
  redis.call("ZREMRANGEBYSCORE", RECENT, "-inf", now - MINUTE_MS)
  if sale() ~= "open" or rules.paused == "1" then return end
  local free = limit() - redis.call("ZCARD", PASSES)
  local pace = number_of(rules.admissions_per_minute, nil)
  if pace then free = math.min(free, pace - redis.call("ZCARD", RECENT)) end
  while free > 0 do
    local head = redis.call("ZRANGE", LINE, 0, 0, "WITHSCORES")
    local visitor, number = head[1], head[2]
    if not visitor then return end
    redis.call("ZREM", LINE, visitor)
    if now - number_of(redis.call("HGET", SEEN, visitor), 0) > PATIENCE_MS then
      redis.call("ZADD", ABSENT, number, visitor)
    else
      redis.call("HDEL", NUMBERS, visitor)
      redis.call("HDEL", SEEN, visitor)
      redis.call("ZADD", PASSES, now + CLAIM_MS, visitor)
      redis.call("ZADD", RECENT, now, number)
      redis.call("HINCRBY", COUNTERS, "admitted", 1)
      free = free - 1
    end
  end
end

-- A visitor with a number was seen: keep the place, or return to it.
local function keep(visitor)
  local number = redis.call("HGET", NUMBERS, visitor)
  if not number then return nil end
  redis.call("HSET", SEEN, visitor, now)
  if redis.call("ZREM", ABSENT, visitor) == 1 then redis.call("ZADD", LINE, number, visitor) end
  return tonumber(number)
end

local function lease_of(visitor)
  local ends = number_of(redis.call("ZSCORE", PASSES, visitor), 0)
  if ends > now then return ends end
  return nil
end

-- The answer all scripts give: {state, number, ahead, pass ends ms, admitted in the last minute,
-- available, held, message, now ms, how many wait, opening ms}; -1 stands for "none".
local function answer(visitor)
  local open, lease = sale(), lease_of(visitor)
  local number = redis.call("HGET", NUMBERS, visitor)
  local state, ahead = "not_joined", -1
  if lease and open == "open" then
    state = "admitted"
  elseif open ~= "open" then
    state = open
  elseif stock.available and stock.available + stock.held == 0 then
    state = "sold_out"
  elseif number then
    state = rules.paused == "1" and "paused" or "waiting"
    ahead = redis.call("ZRANK", LINE, visitor)
    if not ahead then ahead = redis.call("ZCOUNT", LINE, "-inf", "(" .. number) end
  end
  return { state, tonumber(number or "") or -1, ahead, lease or -1,
    redis.call("ZCARD", RECENT), stock.available or -1, stock.held or -1,
    rules.message or "", now, redis.call("ZCARD", LINE) + redis.call("ZCARD", ABSENT),
    number_of(rules.opens_at_ms, -1) }
end
