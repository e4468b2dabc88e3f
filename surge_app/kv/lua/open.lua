-- open: open a new queue, unless there is one, or go on with one that is cut. Needs the prelude `queue`.
-- ARGV  1 start: numbers are issued above it; those up to it may have been issued before the queue
--       was lost or cut  2 ceiling: the highest number that may be issued
--       3 how many numbers were drawn at the opening, -1 if that is to come
--       4 "1" if every node knows numbers in many hashes
-- Returns above which number it was opened, -1 if it was not.
if count.start and not is_cut() then return -1 end
local start, early = tonumber(ARGV[1]), tonumber(ARGV[3])
-- Postgres may be older than what is left here: restored, or another copy of it.
if is_cut() then start = math.max(start, count.ceiling or 0, count.issued) end
-- Who was lost from an empty queue has hardly anyone to be overtaken by.
local is_awaited = not is_cut() or (count.waiting or 0) + size(CALLED) + size(PASSES) + size(GRACE) > 0
if is_cut() then
  was_cut = false
  set("kept", count.issued)
  set("gap", gap() + start - count.issued)
  -- A turn that could not be taken begins anew. A pass that ended unseen lasts no longer than one for
  -- choosing; visitors who hold units get theirs again.
  for _, number in ipairs(redis.call("ZRANGE", CALLED, 0, -1)) do put(CALLED, now + CLAIM_MS, number) end
  local passes = redis.call("ZRANGE", PASSES, 0, -1, "WITHSCORES")
  for i = 1, #passes, 2 do put(PASSES, math.min(passes[i + 1], now + CHOOSE_MS), passes[i]) end
  -- The log may be ahead of the queue, so it states anew who waits.
  redis.call("DEL", LOG)
  set("log_base", 0)
  record_rules()
  for from = 0, redis.call("STRLEN", WAITING) - 1, MAX_WORDS do
    record_words("w", from, redis.call("GETRANGE", WAITING, from, from + MAX_WORDS - 1))
  end
else
  set("head", 0)
  set("waiting", 0)
  set("gap", start)
  if ARGV[4] == "1" then
    set("buckets", 1)
    redis.call("HSET", NUMBERS, "", "")
  end
end
note_run()
set("start", start)
set("issued", start)
set("ceiling", math.max(tonumber(ARGV[2]), start))
set("last_tick", now)
if early >= 0 and count.drawn ~= 1 then
  set("early", early)
  if early == 0 then set("drawn", 1) end
end
if start > 0 then
  set("returned", now)
  set("recovering_until", is_awaited and now + RETURN_MS or now)
end
return start
