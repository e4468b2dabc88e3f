-- grant: let a visitor in because units are held for them, past the queue if need be.
-- Needs the prelude `queue`.
-- ARGV  1 lease, ms from now  2 visitor
-- Returns the end of the lease in ms. Nobody else is admitted until there is room again.
local visitor = ARGV[2]
-- The units were read before their place moved.
if not lease_of(visitor) then visitor = successor(visitor) or visitor end
local ends = number_of(score(PASSES, visitor), 0)
if not lease_of(visitor) then
  local number = number_of_visitor(visitor)
  if number then drop(number) end
  add("admitted", 1)
  let_in(visitor, number or 0, now)
end
note_hold(inside_as(visitor))
ends = math.max(ends, now + tonumber(ARGV[1]))
take(GRACE, visitor)
put(PASSES, ends, visitor)
return ends
