-- draw: give the numbers that came before the opening their places. Needs the prelude `queue`.
-- ARGV  1 places by number (packed u32)  2 numbers by place (packed u32)
-- Returns 1 if it was drawn. Until then nobody is admitted, and bits stand where numbers do.
local early = count.early
if count.drawn == 1 or not early or #ARGV[1] ~= early * 4 then return 0 end
local before = redis.call("GETRANGE", WAITING, 0, math.floor(early / 8))
redis.call("SET", ORDER, ARGV[1] .. ARGV[2])
-- Most of them are here; so all get their bit, and those who left lose it again. After the queue
-- was lost it is the other way round.
local is_full = redis.call("BITCOUNT", WAITING, 0, math.floor(early / 8)) * 2 > early
local whole = math.floor((early + 1) / 8)
if whole > 0 then
  redis.call("SETRANGE", WAITING, 0, string.rep(is_full and "\255" or "\0", whole))
  redis.call("SETBIT", WAITING, 0, 0)
end
for number = math.max(1, whole * 8), early do redis.call("SETBIT", WAITING, number, is_full and 1 or 0) end
local dull, bit = is_full and 255 or 0, is_full and 0 or 1
for byte = 0, math.floor(early / 8) do
  local value = string.byte(before, byte + 1) or 0
  if value ~= dull then
    for i = 0, 7 do
      local number = byte * 8 + i
      if number >= 1 and number <= early and math.floor(value / 2 ^ (7 - i)) % 2 == bit then
        redis.call("SETBIT", WAITING, (struct.unpack(">I4", ARGV[1], number * 4 - 3)), bit)
      end
    end
  end
end
set("drawn", 1)
set("head", 0)
record("d", early)
set("reach_at", 0)
admit()
return 1
