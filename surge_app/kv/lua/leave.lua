-- leave: give the place, or the pass, to the next. Needs the prelude `queue`.
-- ARGV  1 visitor  2 "left" or "served": how the organizer counts it
-- Returns 1 if the visitor had a place or a pass, else 0.
local visitor = ARGV[1]
if not count.start then return 0 end
-- The ticket may have been paid in the moment in which its place moved.
if ARGV[2] == "served" and not lease_of(visitor) then visitor = successor(visitor) or visitor end
local issued = number_of_visitor(visitor) or inside_as(visitor)
local had = give_up(visitor)
redis.call("HDEL", MOVES, visitor)
if ARGV[2] == "served" then redis.call("SETBIT", SERVED, issued, 1) end
-- A buyer holds units no more, and the stock is only published about once a second: without this
-- one more would be let in than there are units.
if ARGV[2] == "served" and (stock.holders or 0) > 0 then
  stock.holders = redis.call("HINCRBY", STOCK, "holders", -1)
end
if had then add(ARGV[2], 1) end
admit()
return had and 1 or 0
