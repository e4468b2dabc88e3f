-- open: open a new queue, unless there is one. Needs the prelude `queue`.
-- ARGV  1 start: numbers are issued above it; those up to it may have been issued before the queue
--       was lost  2 ceiling: the highest number that may be issued
--       3 how many numbers were drawn at the opening, -1 if that is to come
-- Returns 1 if it was opened.
if count.start then return 0 end
local start = tonumber(ARGV[1])
set("start", start)
set("issued", start)
set("ceiling", tonumber(ARGV[2]))
set("head", 0)
set("waiting", 0)
set("last_tick", now)
if tonumber(ARGV[3]) >= 0 then
  set("early", tonumber(ARGV[3]))
  if count.early == 0 then set("drawn", 1) end
end
if start > 0 then
  set("returned", now)
  set("recovering_until", now + RETURN_MS)
end
return 1
