-- withdraw_move: void the codes of a visitor. Needs the prelude `queue`.
-- ARGV  1 visitor
-- Returns 1 if there were any and their place has not moved.
local visitor = ARGV[1]
if successor(visitor) then return 0 end
return redis.call("HDEL", MOVES, visitor)
