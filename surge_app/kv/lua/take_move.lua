-- take_move: move a place to the visitor who has its code, once. Needs the prelude `queue`.
-- KEYS  1 to 18 as in `queue`  19 code (string, see `offer_move.lua`)
-- ARGV  1 digest of the code  2 visitor who takes the place
--       3 "look" (change nothing), "take", or "replace" (give up an own place for it)
-- Returns {verdict, the visitor who had the place, what they typed, sealed, 1 if there is a pass}. The
-- verdict is "wrong" (or void, used, expired), "same" (it is their own), "occupied" (they have a place),
-- "ready" (to look at) or "moved": now or, when it is repeated, before.
local digest, to, mode = ARGV[1], ARGV[2], ARGV[3]
local from, typed = string.match(redis.call("GET", KEYS[19]) or "", "^(%S+) (.*)$")
local entry = from and redis.call("HGET", MOVES, from) or ""
if from and entry == ">" .. to .. ":" .. digest then return { "moved", from, typed, 1 } end
local link, short = string.match(entry, "^(%x+):(%x+)$")
if not from or (digest ~= link and digest ~= short) then return { "wrong", "", "", 0 } end
admit()
if not has_place(from) then return { "wrong", "", "", 0 } end
local inside = lease_of(from) and 1 or 0
if from == to then return { "same", from, "", inside } end
if mode ~= "replace" and has_place(to) then return { "occupied", from, "", inside } end
if mode == "look" then return { "ready", from, "", inside } end

if give_up(to) then add("left", 1) end
for _, key in ipairs({ PASSES, GRACE }) do
  local ends = score(key, from)
  if ends then
    put(key, ends, to)
    take(key, from)
  end
end
local inside_since = redis.call("HGET", INSIDE, from)
if inside_since then
  redis.call("HSET", INSIDE, to, inside_since)
  redis.call("HDEL", INSIDE, from)
end
local number = number_of_visitor(from)
if number then
  forget_number(from)
  note_number(to, number)
  note_seen(number)
  redis.call("APPEND", MOVED, struct.pack(">I4", number))
end
redis.call("HDEL", MOVES, to)
redis.call("HSET", MOVES, from, ">" .. to .. ":" .. digest)
admit()
return { "moved", from, typed, inside }
