-- poll: keep the place and tell where it is. Needs the prelude `line`.
-- ARGV  1 visitor
-- Returns the common answer.
keep(ARGV[1])
admit()
return answer(ARGV[1])
