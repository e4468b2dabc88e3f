-- queue: prelude of the scripts of the waiting room; names the keys and admits by place. Needs `numbers`.
-- KEYS  1 rules (hash: phase, opens_at_ms, closes_at_ms, paused, concurrent_buyers,
--         admissions_per_minute, message, queue_order, seed, commitment, personal_below)
--       2 stock (hash: available, held, sold, holders, by_tier)
--       3 counters (hash: start, ceiling, issued, early, drawn, head, waiting, absent, admitted,
--         left, served, no_shows, last_tick, returned, recovering_until, reach, reach_at, log_base,
--         run, kept, gap, buckets, expired)
--       4 numbers (hashes: visitor -> number)  5 waiting (bitmap by place)
--       6 absent (bitmap by place)             7 seen (u32 by number: s of the last poll)
--       8 called (zset: number by end of claim, ms)    9 passes (zset: visitor by end of lease, ms)
--      10 inside (hash: visitor -> "number:ms of admission")
--      11 recent (zset: number by admission, ms)      12 order (u32: places of the drawn numbers,
--         then numbers of the drawn places)   13 served (bitmap by number: went with tickets)
--      14 grace (zset: visitor by end of grace, ms)
--      15 networks (u32 by number: hash of the network it joined from, 0 if unknown or if its
--         visitor holds units)
--      16 log (what happened since it was last written to Postgres: a letter and a u32 each)
--      17 moves (hash: visitor -> the digests of the two codes that move their place to another device,
--         or ">", the visitor it moved to, a colon and the digest that did it)
--      18 moved (u32: numbers that have moved)
-- The clock is Redis TIME, also when it is set back or ahead. Each number is issued once and is also the position in the order, except
-- for numbers drawn at the opening. A visitor who stops polling is skipped at their turn (`absent`)
-- and called next when they return in time, so nobody behind waits for them. Far from the head a visitor
-- follows the public snapshot and need not poll; silence counts since the head came within reach.
-- A pass reserves room for its visitor: for choosing until it ends, or for a hold. When the hold ends
-- without tickets, the visitor moves to `grace`: they may hold what is free, but reserve nothing.
-- So do passes without a hold that a network has beyond its share, while others wait outside.
local RULES, STOCK, COUNTERS, NUMBERS, WAITING, ABSENT, SEEN, CALLED, PASSES, INSIDE, RECENT, ORDER,
  SERVED, GRACE, NETWORKS, LOG, MOVES, MOVED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9],
  KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15], KEYS[16], KEYS[17], KEYS[18]

local MINUTE_MS = 60000
-- A visible page polls every second at the head. A hidden tab may miss this and is recalled.
local CLAIM_MS = 20000
local CHOOSE_MS = 120000
-- To choose again after a hold ended: short while others wait.
local GRACE_MS, GRACE_ALONE_MS = 30000, 120000
local MAX_ENDED_HOLDS = 2
-- A browser lets a hidden tab poll once a minute.
local PATIENCE_S = 75
local RECALL_S = 600
-- After so long without a sign of life the queue counts as interrupted: everyone may poll once
-- before anyone is admitted.
local GAP_MS = 5000
local RETURN_MS = 20000
-- Bounds the work of one call; the next one goes on.
local MAX_SKIPPED, MAX_PASSES, MAX_SAMPLE, MAX_EXPIRED = 1000, 1000, 256, 5000
-- Redis packs a hash of up to 512 entries.
local MAX_BUCKET = 64
-- Of the room inside, for visitors of one network who hold nothing.
local NETWORK_SHARE = 1 / 4
local SHARING_MS = 500
-- Visitors within three minutes of their turn poll personally, at the pace of the last minute.
local NEAR_MINUTES, REACH_S = 3, 5
-- If no one writes the log, it ends here.
local MAX_LOG, MAX_WORDS = 8 * 1024 * 1024, 64 * 1024
local PUBLIC_RULES = { "phase", "opens_at_ms", "closes_at_ms", "paused", "concurrent_buyers", "admissions_per_minute",
  "queue_order", "commitment" }

local time = redis.call("TIME")
local now_s = tonumber(time[1])
local now = now_s * 1000 + math.floor(time[2] / 1000)

local function number_of(value, default)
  return tonumber(value or "") or default
end

-- Fields of a hash: the first `texts` of them as they are, the others as numbers.
local function fields(key, texts, names)
  local found, values = {}, redis.call("HMGET", key, unpack(names))
  for i, name in ipairs(names) do
    found[name] = values[i]
    if i > texts then found[name] = number_of(values[i], nil) end
  end
  return found
end

local rules = fields(RULES, 11, { "phase", "opens_at_ms", "closes_at_ms", "paused",
  "concurrent_buyers", "admissions_per_minute", "message", "queue_order", "seed", "commitment",
  "personal_below" })
local stock = fields(STOCK, 1, { "by_tier", "available", "held", "holders" })
local count = fields(COUNTERS, 2, { "reach", "run", "start", "ceiling", "issued", "early", "drawn", "head",
  "waiting", "absent", "admitted", "left", "served", "no_shows", "last_tick", "returned",
  "recovering_until", "shared_at", "reach_at", "log_base", "kept", "gap", "buckets", "expired" })

local server, was_cut

-- What Redis states of itself; empty if that is refused.
local function server_facts()
  server = server or redis.pcall("INFO", "server")
  return type(server) == "string" and server or ""
end

-- A server that ended may have lost the last seconds: what another run of it opened is cut. Then no number
-- is issued and no visitor is called until `open` says from where on. A script that does neither does not
-- compare, which takes a tenth of the time of a short one.
local function is_cut()
  if was_cut == nil then
    local facts = count.start and count.run and server_facts() or ""
    was_cut = facts ~= "" and not string.find(facts, count.run, 1, true)
  end
  return was_cut
end

-- Counters that this call changed; `save` writes them together.
local changes = {}

local function set(name, value)
  count[name], changes[name] = value, value
end

local function add(name, difference)
  set(name, (count[name] or 0) + difference)
end

-- How many numbers up to the last are of no visitor whom the queue knows of.
local function gap()
  return count.gap or count.start or 0
end

-- What is known of the sorted sets; only `put` and `take` change them.
local sizes, scores = {}, {}

local function size(key)
  sizes[key] = sizes[key] or redis.call("ZCARD", key)
  return sizes[key]
end

local function score(key, member)
  local name = key .. " " .. member
  if scores[name] == nil then scores[name] = redis.call("ZSCORE", key, member) end
  return scores[name]
end

local function put(key, value, member)
  local added = redis.call("ZADD", key, value, member)
  if sizes[key] then sizes[key] = sizes[key] + added end
  scores[key .. " " .. member] = value
end

-- Returns how many of the members were there.
local function take(key, ...)
  local taken = redis.call("ZREM", key, ...)
  if sizes[key] then sizes[key] = sizes[key] - taken end
  for _, member in ipairs({ ... }) do scores[key .. " " .. member] = false end
  return taken
end

local function take_all(key)
  redis.call("DEL", key)
  sizes[key], scores = 0, {}
end

local function has_ended()
  return rules.phase ~= "published" or now >= number_of(rules.closes_at_ms, math.huge)
end

-- Whether the sale is open: "open", "scheduled", "ended", "unknown" (no rules known) or
-- "unready" (nobody said yet from where on numbers may be issued).
local function sale()
  if not rules.phase then return "unknown" end
  if not count.start or is_cut() then return "unready" end
  if has_ended() then return "ended" end
  if now < number_of(rules.opens_at_ms, 0) then return "scheduled" end
  return "open"
end

local function is_sold_out()
  return stock.available and stock.available + stock.held == 0
end

-- Passes that may be in use: as many as there are free units, beside visitors who hold some, so that
-- nobody is let in to find nothing.
local function limit()
  local cap = number_of(rules.concurrent_buyers, 0)
  if not stock.available then return cap end
  return math.min(cap, (stock.holders or 0) + stock.available)
end

local function note_run()
  local run = string.match(server_facts(), "run_id:(%x+)")
  if run then set("run", run) end
end

-- Note for the public log: c called, s skipped, r returned, l left, with a place; d drawn, with how many;
-- u rules and w who waits, with words: those of "u" are of a second, those of "w" bits from a byte on.
local function record(letter, value, words)
  if redis.call("STRLEN", LOG) < MAX_LOG then
    redis.call("APPEND", LOG, letter .. struct.pack(">I4", value) .. (words or ""))
  end
end

local function record_words(letter, value, words)
  record(letter, value, struct.pack(">I4", #words) .. words)
end

-- Pauses and rules count from the second in which the queue learned of them.
local function record_rules()
  local public = {}
  for _, name in ipairs(PUBLIC_RULES) do public[name] = rules[name] or nil end
  record_words("u", now_s, cjson.encode(public))
end

local function u32(key, index)
  local raw = redis.call("GETRANGE", key, index * 4, index * 4 + 3)
  if #raw < 4 then return 0 end
  -- In parentheses, as it also returns where it ended, and a caller's caller would pass that on.
  return (struct.unpack(">I4", raw))
end

local function note_seen(number)
  redis.call("BITFIELD", SEEN, "SET", "u32", "#" .. number, now_s)
end

-- Seconds of silence; the time in which the queue was away does not count. A poll in the future was
-- before the clock was set back, which `returned` notes.
local function silence(number)
  local seen = u32(SEEN, number)
  return now_s - math.max(seen > now_s and 0 or seen, math.floor((count.returned or 0) / 1000))
end

local function place_of(number)
  if count.drawn == 1 and number <= count.early then return u32(ORDER, number - 1) end
  return number
end

local function number_at(place)
  if count.drawn == 1 and place <= count.early then return u32(ORDER, count.early + place - 1) end
  return place
end

local function enter(number)
  local place = place_of(number)
  if redis.call("SETBIT", WAITING, place, 1) == 0 then add("waiting", 1) end
  note_seen(number)
  if place < (count.head or 0) then set("head", place) end
end

-- Take a number out of the queue, wherever it is; returns whether it was there.
local function drop(number)
  local place = place_of(number)
  local was_waiting = redis.call("SETBIT", WAITING, place, 0) == 1
  local was_absent = redis.call("SETBIT", ABSENT, place, 0) == 1
  if was_waiting then add("waiting", -1) end
  if was_absent then add("absent", -1) end
  local was_there = take(CALLED, number) == 1 or was_waiting or was_absent
  if was_there then record("l", place) end
  return was_there
end

local function skip(number, place)
  note_seen(number)
  record("s", place)
  if redis.call("SETBIT", ABSENT, place, 1) == 0 then add("absent", 1) end
end

-- Let all that ran at the last sign of life run on from now, and at least for `shortest`.
local function prolong(key, gap, shortest)
  local alive = redis.call("ZRANGEBYSCORE", key, count.last_tick, "+inf", "WITHSCORES")
  for i = 1, #alive, 2 do
    put(key, math.max(now + shortest, alive[i + 1] + gap), alive[i])
    local number, began, ended = string.match(redis.call("HGET", INSIDE, alive[i]) or "", "^(%d+):(%d+)(.*)$")
    if number then
      redis.call("HSET", INSIDE, alive[i], number .. ":" .. string.format("%.0f", began + gap) .. ended)
    end
  end
end

local function bucket(at)
  return bucket_key(NUMBERS, at)
end

local function numbers_with(visitor)
  return bucket_of(visitor, NUMBERS, count.buckets or 1)
end

local function number_of_visitor(visitor)
  return tonumber(redis.call("HGET", numbers_with(visitor), visitor) or "")
end

-- An entry of its own shows that a hash is there; no visitor has an empty name.
local function fill_bucket(at, entries, left)
  redis.call("DEL", bucket(at))
  redis.call("HSET", bucket(at), "", "", unpack(entries))
  if left > 0 then redis.call("PEXPIRE", bucket(at), left) end
end

-- Divide the hash whose turn it is between itself and a new one.
local function split_bucket()
  local buckets = count.buckets
  local from, kept, moved = buckets - round_of(buckets), {}, {}
  local entries, left = redis.call("HGETALL", bucket(from)), redis.call("PTTL", bucket(from))
  set("buckets", buckets + 1)
  for i = 1, #entries, 2 do
    local visitor = entries[i]
    local to = numbers_with(visitor) == bucket(buckets) and moved or kept
    if visitor ~= "" then to[#to + 1], to[#to + 2] = visitor, entries[i + 1] end
  end
  fill_bucket(from, kept, left)
  fill_bucket(buckets, moved, left)
end

local function note_number(visitor, number)
  local key = numbers_with(visitor)
  redis.call("HSET", key, visitor, number)
  if count.buckets and redis.call("HLEN", key) > MAX_BUCKET then split_bucket() end
end

local function forget_number(visitor)
  redis.call("HDEL", numbers_with(visitor), visitor)
end

-- Whether Redis takes a write, which it does not while its memory or disk is full. This one changes nothing.
local function takes_writes()
  return type(redis.pcall("HSETNX", COUNTERS, "start", count.start)) ~= "table"
end

-- Nobody loses a pass or a turn to the time in which the queue was interrupted, and nobody keeps one
-- for longer because the clock was set back: both are a gap in which no time passed. It is noticed once
-- it can be noted; until then, scripts that only look go on.
local function notice_return()
  if not count.start then return end
  local gap = now - (count.last_tick or now)
  if count.last_tick and gap <= 500 and gap >= -GAP_MS then return end
  if not takes_writes() then return end
  if math.abs(gap) > GAP_MS then
    prolong(PASSES, gap, CHOOSE_MS)
    prolong(GRACE, gap, GRACE_MS)
    prolong(CALLED, gap, CLAIM_MS)
    for _, number in ipairs(redis.call("ZRANGEBYSCORE", RECENT, now, "+inf")) do
      put(RECENT, now, number)
    end
    local is_awaited = (count.waiting or 0) > 0 or size(CALLED) > 0
    if is_awaited or gap < 0 then
      set("returned", now)
      set("recovering_until", is_awaited and now + RETURN_MS or now)
    end
  end
  set("last_tick", now)
end

-- An eviction may take one key and leave the others. Then the queue counts as lost as a whole: it is
-- opened again, and signed numbers and passes bring everyone back. Of the hashes of numbers each call looks
-- for another one.
local function forget_remains()
  local buckets = count.buckets or 1
  local lacks = (count.waiting or 0) > 0
    and redis.call("EXISTS", NUMBERS, WAITING, SEEN, bucket(now % buckets)) < 4
  if not lacks and (size(PASSES) > 0 or size(GRACE) > 0 or redis.call("EXISTS", INSIDE) == 0) then return end
  redis.call("DEL", unpack(KEYS, 3))
  for at = 1, buckets - 1 do redis.call("DEL", bucket(at)) end
  count, sizes, was_cut = {}, {}, false
end

-- The moment of the opening decides who came early.
local function close_lobby()
  if rules.queue_order ~= "random" or count.early or sale() ~= "open" then return end
  set("early", count.issued)
  if count.early == 0 then set("drawn", 1) end
end

local function is_drawn()
  return rules.queue_order ~= "random" or count.drawn == 1
end

local function is_recovering()
  return now < (count.recovering_until or 0)
end

forget_remains()
local last_use = count.last_tick
notice_return()
close_lobby()

local has_ended_leases = false

-- Once in a call: no time passes within it.
local function end_leases()
  if has_ended_leases then return end
  has_ended_leases = true
  for _, key in ipairs({ PASSES, GRACE }) do
    local ended = size(key) > 0 and redis.call("ZRANGEBYSCORE", key, "-inf", now, "LIMIT", 0, 1000) or {}
    if #ended > 0 then
      take(key, unpack(ended))
      redis.call("HDEL", INSIDE, unpack(ended))
    end
  end
  local late = size(CALLED) > 0 and redis.call("ZRANGEBYSCORE", CALLED, "-inf", now, "LIMIT", 0, 1000) or {}
  for _, number in ipairs(late) do
    take(CALLED, number)
    add("no_shows", 1)
    skip(tonumber(number), place_of(tonumber(number)))
  end
  if size(RECENT) > 0 then
    sizes[RECENT] = size(RECENT) - redis.call("ZREMRANGEBYSCORE", RECENT, "-inf", now - MINUTE_MS)
  end
end

local function free_room()
  return limit() - size(PASSES) - size(CALLED)
end

-- How many more passes may reserve nothing. People who share a network are not let in to compete for
-- nothing, so it is half as many as may be inside, or as many where free units abound.
local function room_aside()
  local most = math.min(limit(), math.max(limit() / 2, (stock.available or 0) - limit()))
  return most - redis.call("ZCOUNT", GRACE, now, "+inf")
end

-- The pass lasts as long as before, and reserves nothing.
local function step_aside(visitor, ends)
  take(PASSES, visitor)
  put(GRACE, ends, visitor)
end

-- Whether visitors of other networks wait: a sample of those next in line and of the latest.
local function others_wait(network)
  local head = math.floor((count.head or 0) / 8) * 8
  local bits = redis.call("GETRANGE", WAITING, head / 8, head / 8 + MAX_SAMPLE / 8)
  local latest = math.max(count.issued - MAX_SAMPLE, head + #bits * 8)
  local function is_other(place)
    return redis.call("GETBIT", WAITING, place) == 1 and u32(NETWORKS, number_at(place)) ~= network
  end
  for place = head, head + #bits * 8 - 1 do
    if is_other(place) then return true end
  end
  for place = count.issued, latest, -1 do
    if is_other(place) then return true end
  end
  return false
end

-- While others wait, let the passes that a network has beyond its share reserve nothing. The first
-- in line keep theirs, and the order of the queue stays as it is.
local function share_room()
  if math.abs(now - (count.shared_at or 0)) < SHARING_MS then return end
  set("shared_at", now)
  local left, share = room_aside(), math.max(1, math.floor(limit() * NETWORK_SHARE))
  local passes = redis.call("ZRANGE", PASSES, 0, MAX_PASSES - 1, "WITHSCORES")
  local visitors, found, others = {}, {}, {}
  for i = 1, #passes, 2 do visitors[#visitors + 1] = passes[i] end
  if left < 1 or #visitors <= share then return end
  for i, inside in ipairs(redis.call("HMGET", INSIDE, unpack(visitors))) do
    local network = u32(NETWORKS, tonumber(string.match(inside or "0", "^%d+")))
    found[network] = (found[network] or 0) + 1
    if network > 0 and found[network] > share and left >= 1 then
      if others[network] == nil then others[network] = others_wait(network) end
      if others[network] then
        step_aside(visitors[i], passes[2 * i])
        left = left - 1
      end
    end
  end
end

-- How many of the first in the queue poll personally; -1 if everyone does.
local function personal_below()
  local set = number_of(rules.personal_below, nil)
  if not set then return -1 end
  return math.max(set, NEAR_MINUTES * limit(), NEAR_MINUTES * size(RECENT))
end

-- The last place of those, or of those who would be among them if they joined now.
local function end_of_reach(below)
  if (count.waiting or 0) <= below then return count.issued + below - (count.waiting or 0) end
  if not is_drawn() then return 0 end
  local from, last = math.floor((count.head or 0) / 8), math.floor(count.issued / 8)
  local low, high = from, from + math.ceil(below / 8)
  while high < last and redis.call("BITCOUNT", WAITING, from, high) < below do
    low, high = high + 1, high + 2 * (high - from)
  end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call("BITCOUNT", WAITING, from, middle) >= below then high = middle else low = middle + 1 end
  end
  local place, left = low * 8 - 1, below
  if low > from then left = below - redis.call("BITCOUNT", WAITING, from, low - 1) end
  while left > 0 and place < count.issued do
    place = place + 1
    left = left - redis.call("GETBIT", WAITING, place)
  end
  return place
end

-- Where the reach ended at which second, the oldest first.
local function reaches()
  local found = {}
  for at, last in string.gmatch(count.reach or "", "(%d+):(%d+)") do
    found[#found + 1] = { tonumber(at), tonumber(last) }
  end
  return found
end

local function note_reach()
  local below = personal_below()
  if below < 0 or math.abs(now_s - (count.reach_at or 0)) < REACH_S then return end
  set("reach_at", now_s)
  local found, last, words = reaches(), end_of_reach(below), {}
  if #found > 0 and found[#found][2] == last then return end
  found[#found + 1] = { now_s, last }
  for i, entry in ipairs(found) do
    -- Of those from before anyone's patience ended the latest is enough.
    local after = found[i + 1]
    if not after or math.abs(now_s - after[1]) <= PATIENCE_S then
      words[#words + 1] = string.format("%.0f:%.0f", entry[1], entry[2])
    end
  end
  set("reach", table.concat(words, ","))
end

-- Seconds for which a visitor has been silent although they had to poll.
local function neglect(number, place, found)
  if not found then return silence(number) end
  local since = now_s
  for i = #found, 1, -1 do
    if found[i][2] < place then break end
    since = found[i][1]
  end
  return math.min(silence(number), math.abs(now_s - since))
end

local function admit()
  if not count.start or is_cut() then return end
  end_leases()
  note_reach()
  if sale() ~= "open" or rules.paused == "1" or is_recovering() or not is_drawn() then return end
  local free = free_room()
  if free < 1 and (count.waiting or 0) > 0 then
    share_room()
    free = free_room()
  end
  local pace = number_of(rules.admissions_per_minute, nil)
  if pace then free = math.min(free, pace - size(RECENT)) end
  local place, gone, called, left = nil, 0, 0, MAX_SKIPPED
  local found = free > 0 and personal_below() >= 0 and reaches() or nil
  while free > 0 and left > 0 do
    place = nil
    if count.waiting > gone + called then
      place = redis.call("BITPOS", WAITING, 1, math.floor((count.head or 0) / 8))
    end
    if not place or place < 0 then break end
    redis.call("SETBIT", WAITING, place, 0)
    count.head = place
    local number = number_at(place)
    if neglect(number, place, found) > PATIENCE_S then
      note_seen(number)
      redis.call("SETBIT", ABSENT, place, 1)
      record("s", place)
      gone, left = gone + 1, left - 1
    else
      put(CALLED, now + CLAIM_MS, number)
      put(RECENT, now, number)
      record("c", place)
      called, free = called + 1, free - 1
    end
  end
  if gone + called > 0 then
    set("head", count.head)
    add("waiting", -gone - called)
    if gone > 0 then add("absent", gone) end
    if called > 0 then add("admitted", called) end
  end
end

local function lease_of(visitor)
  local ends = number_of(score(PASSES, visitor)
    or score(GRACE, visitor), 0)
  if ends > now then return ends end
  return nil
end

-- Take the pass away, with or without grace; returns whether there was one.
local function end_pass(visitor)
  redis.call("HDEL", INSIDE, visitor)
  return take(PASSES, visitor) + take(GRACE, visitor) > 0
end

-- The visitor to whom the place of this one has moved, if it has.
local function successor(visitor)
  return string.match(redis.call("HGET", MOVES, visitor) or "", "^>([^:]+):")
end

-- The number the visitor came in by; zero if there was none.
local function inside_as(visitor)
  return tonumber(string.match(redis.call("HGET", INSIDE, visitor) or "0", "^%d+"))
end

-- Holds have a bound of their own for each network.
local function note_hold(number)
  if u32(NETWORKS, number) > 0 then redis.call("BITFIELD", NETWORKS, "SET", "u32", "#" .. number, 0) end
end

local function let_in(visitor, number, ends)
  forget_number(visitor)
  redis.call("HSET", INSIDE, visitor, number .. ":" .. string.format("%.0f", now))
  take(GRACE, visitor)
  put(PASSES, ends, visitor)
end

local function is_called(number)
  return number_of(score(CALLED, number), 0) > now
end

-- Whether a visitor has a pass, waits, is called, or may still come back.
local function has_place(visitor)
  if lease_of(visitor) then return true end
  local number = number_of_visitor(visitor)
  if not number then return false end
  local place = place_of(number)
  return redis.call("GETBIT", WAITING, place) == 1 or is_called(number)
    or (redis.call("GETBIT", ABSENT, place) == 1 and silence(number) <= RECALL_S)
end

-- Take place and pass away; returns whether there was one.
local function give_up(visitor)
  local number = number_of_visitor(visitor)
  local had = end_pass(visitor)
  if number then
    forget_number(visitor)
    had = drop(number) or had
  end
  return had
end

-- A called visitor who polls gets the pass.
local function claim(visitor, number)
  if number and sale() == "open" and is_called(number) then
    take(CALLED, number)
    let_in(visitor, number, now + CHOOSE_MS)
  end
end

-- A number from before the queue was lost comes back once, in its order: those issued since are
-- all higher than `start`.
local function re_enter(visitor, number)
  local is_old = number > 0 and number <= count.start and u32(SEEN, number) == 0
  local is_in_time = sale() == "scheduled" or now - (count.returned or 0) <= RECALL_S * 1000
  if not is_old or not is_in_time then return nil end
  note_number(visitor, number)
  enter(number)
  set("gap", gap() - 1)
  record("r", place_of(number))
  return number
end

-- A pass from before the queue was lost is valid again while visitors return. Where it lost its last
-- seconds alone, it still knows the others: then only a number that it knows nothing of comes with a pass.
local function re_admit(visitor, number)
  local kept, inside = count.kept or 0, size(PASSES)
  if kept > 0 and (number <= kept or number > count.start or u32(SEEN, number) > 0) then return end
  if count.start > 0 and is_recovering() and inside < number_of(rules.concurrent_buyers, 0) then
    if kept > 0 then note_seen(number) end
    let_in(visitor, kept > 0 and number or 0, now + CHOOSE_MS)
  end
end

-- A visitor was seen: keep the place, return to it, or learn that it is lost.
-- Returns the number, or nil, and a note.
local function arrive(visitor, signed_number, had_pass)
  if visitor == "" or not count.start or is_cut() or lease_of(visitor) then return nil, "" end
  local number = number_of_visitor(visitor)
  if not number then
    -- What an old cookie names is on another device now.
    if successor(visitor) then return nil, "moved" end
    if had_pass then
      re_admit(visitor, signed_number)
      if lease_of(visitor) then return nil, "" end
    end
    return re_enter(visitor, signed_number), ""
  end
  local place = place_of(number)
  if redis.call("GETBIT", WAITING, place) == 1 then
    note_seen(number)
    return number, ""
  end
  if is_called(number) then return number, "" end
  -- Called, but too late by a moment nobody has noticed yet.
  if take(CALLED, number) == 1 then
    add("no_shows", 1)
    skip(number, place)
  end
  if redis.call("SETBIT", ABSENT, place, 0) == 1 then
    add("absent", -1)
    if silence(number) <= RECALL_S then
      enter(number)
      record("r", place)
      return number, "recalled"
    end
  end
  return nil, "place_lost"
end

-- How many wait before a place.
local function waiting_before(place)
  local from, byte = math.floor((count.head or 0) / 8), math.floor(place / 8)
  local found = 0
  if byte > from then found = redis.call("BITCOUNT", WAITING, from, byte - 1) end
  local last = string.byte(redis.call("GETRANGE", WAITING, byte, byte)) or 0
  last = math.floor(last / 2 ^ (8 - place % 8))
  while last > 0 do
    found = found + last % 2
    last = math.floor(last / 2)
  end
  return found
end

-- To read of a queue that no visitor is in is no use of it, for which it would be looked after again.
local function forget_reading()
  if last_use and (count.waiting or 0) + size(CALLED) + size(PASSES) + size(GRACE) == 0 then
    count.last_tick, changes.last_tick = last_use, nil
  end
end

-- Let all keys end, those of many numbers a part at a time.
local function expire(after_ms)
  local buckets, from = count.buckets or 1, count.expired or 1
  set("expired", math.min(from + MAX_EXPIRED, buckets))
  for at = from, count.expired - 1 do redis.call("PEXPIRE", bucket(at), after_ms) end
  if count.expired < buckets then return end
  for _, key in ipairs(KEYS) do redis.call("PEXPIRE", key, after_ms) end
end

-- What every script ends with. In a queue that has its end, what this call began ends with the rest.
local function save(result)
  local values = {}
  for name, value in pairs(changes) do
    values[#values + 1], values[#values + 2] = name, value
  end
  if #values > 0 then redis.call("HSET", COUNTERS, unpack(values)) end
  local left = (count.expired or has_ended()) and redis.call("PTTL", COUNTERS) or -1
  for at = 1, left > 0 and #KEYS or 0 do
    if redis.call("PTTL", KEYS[at]) == -1 then redis.call("PEXPIRE", KEYS[at], left) end
  end
  return result
end

-- What is the same for every visitor: the last items of every answer; "" or -1 stand for "none".
local function header()
  local first_admission = redis.call("ZRANGE", RECENT, 0, 0, "WITHSCORES")[2]
  local is_revealed = count.drawn == 1 and rules.queue_order == "random"
  return { now, sale(), rules.paused == "1" and 1 or 0, not is_cut() and count.start or -1, count.issued or 0,
    count.waiting or 0, size(CALLED), size(PASSES), limit(),
    stock.available or -1, stock.held or -1, rules.message or "", size(RECENT),
    first_admission or -1, number_of(rules.admissions_per_minute, -1), is_recovering() and 1 or 0, number_of(rules.opens_at_ms, -1),
    rules.queue_order or "fifo", rules.commitment or "", is_revealed and rules.seed or "",
    count.early or -1, is_drawn() and 1 or 0, count.ceiling or -1, personal_below(), count.admitted or 0,
    count.served or 0, stock.holders or 0, stock.by_tier or "", gap() }
end

-- The answer to one visitor: {state, number, ahead, end of the pass in ms, note}, then the header.
local function answer(visitor, number, note)
  local open, lease = sale(), visitor ~= "" and lease_of(visitor) or nil
  local state, ahead = "not_joined", -1
  if lease and open == "open" then
    state = "admitted"
  elseif open ~= "open" then
    state = open
  elseif number and not is_drawn() then
    -- Between the opening and the draw there are no positions yet.
    state = "scheduled"
  elseif is_sold_out() then
    state = "sold_out"
  elseif number then
    state = rules.paused == "1" and "paused" or "waiting"
    ahead = waiting_before(place_of(number))
  end
  local found = header()
  for i, value in ipairs({ state, not lease and number or -1, ahead, lease or -1, note }) do
    table.insert(found, i, value)
  end
  return found
end

-- The script that follows is its body; `client.py` ends it and saves the counters.
local function run()
