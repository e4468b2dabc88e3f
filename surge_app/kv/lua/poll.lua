-- poll: keep the place, come for the turn, and tell where one is. Needs the prelude `queue`.
-- ARGV  1 visitor  2 number the visitor's cookie names, zero if none  3 "1" if there is a pass cookie
-- Returns the common answer.
local visitor = ARGV[1]
local number, note = arrive(visitor, tonumber(ARGV[2]), ARGV[3] == "1")
admit()
claim(visitor, number)
return answer(visitor, number, note)
