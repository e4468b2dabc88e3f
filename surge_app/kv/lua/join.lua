-- join: take a number, or keep the one the visitor has. Needs the prelude `queue`.
-- ARGV  1 visitor  2 number the visitor's cookie names, zero if none  3 "1" if there is a pass cookie
--       4 hash of the visitor's network, zero if unknown
-- Returns the common answer. No number is issued after the end, to someone inside, when
-- everything is sold, beyond the ceiling, or to a visitor whose place has moved and who has not left.
local visitor = ARGV[1]
-- Before anyone is admitted: who returns is not passed over for having been away.
local number, note = arrive(visitor, tonumber(ARGV[2]), ARGV[3] == "1")
admit()
local open = sale()
local may_wait = note ~= "moved" and (open == "scheduled" or (open == "open" and not is_sold_out()))
if may_wait and not number and not lease_of(visitor) and count.issued < (count.ceiling or 0) then
  add("issued", 1)
  number = count.issued
  note_number(visitor, number)
  redis.call("BITFIELD", NETWORKS, "SET", "u32", "#" .. number, ARGV[4] or 0)
  enter(number)
  admit()
end
claim(visitor, number)
return answer(visitor, number, note)
