-- stats: the queue as the organizer sees it. Needs the prelude `queue`.
-- Returns {absent, admitted, left, served, no_shows}, then the header.
admit()
forget_reading()
local found = header()
for i, name in ipairs({ "absent", "admitted", "left", "served", "no_shows" }) do
  table.insert(found, i, count[name] or 0)
end
return found
