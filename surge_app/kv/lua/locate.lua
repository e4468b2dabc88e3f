-- locate: how one number stands. Needs the prelude `queue`. Moves nobody.
-- ARGV  1 a number
-- Returns {place, how many wait before it or -1, the visitor inside or ""}; place is inside, called,
-- waiting, absent (passed over, may still come back), served, left or unknown (not given out).
local number = tonumber(ARGV[1])
for _, key in ipairs({ PASSES, GRACE }) do
  for _, visitor in ipairs(redis.call("ZRANGE", key, 0, -1)) do
    if inside_as(visitor) == number and lease_of(visitor) then return { "inside", -1, visitor } end
  end
end
if number > (count.issued or 0) then return { "unknown", -1, "" } end
if is_called(number) then return { "called", -1, "" } end
local place = place_of(number)
if redis.call("GETBIT", WAITING, place) == 1 then
  return { "waiting", is_drawn() and waiting_before(place) or -1, "" }
end
if redis.call("GETBIT", SERVED, number) == 1 then return { "served", -1, "" } end
if redis.call("GETBIT", ABSENT, place) == 1 and silence(number) <= RECALL_S then
  return { "absent", -1, "" }
end
return { "left", -1, "" }
