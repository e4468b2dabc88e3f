-- step_aside: a visitor may hold nothing at present, as their network holds its share of the event.
-- Needs the prelude `queue`.
-- ARGV  1 visitor
-- Returns 1 if the pass stopped reserving room. It lasts as long as before, and while others wait the
-- next is called.
local visitor = ARGV[1]
local ends = score(PASSES, visitor)
local waits = (count.waiting or 0) + size(CALLED) > 0
if not ends or not waits or room_aside() <= 0 then return 0 end
step_aside(visitor, ends)
admit()
return 1
