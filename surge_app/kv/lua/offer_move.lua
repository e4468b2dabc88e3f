-- offer_move: let a visitor move their place to another device. Needs the prelude `queue`.
-- KEYS  1 to 18 as in `queue`  19 link  20 short code (strings: the visitor, a space, and what they typed, sealed)
-- ARGV  1 visitor  2 digest of the link  3 digest of the short code  4 how long both are valid, ms
--       5 what was typed, sealed with the link  6 the same, sealed with the short code
-- Returns 1, or 0 without a place. Codes that the visitor made before are void.
local visitor = ARGV[1]
if not count.start or not has_place(visitor) then return 0 end
redis.call("HSET", MOVES, visitor, ARGV[2] .. ":" .. ARGV[3])
redis.call("SET", KEYS[19], visitor .. " " .. ARGV[5], "PX", ARGV[4])
redis.call("SET", KEYS[20], visitor .. " " .. ARGV[6], "PX", ARGV[4])
return 1
