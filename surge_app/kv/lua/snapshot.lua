-- snapshot: note who was seen, admit, and show the queue. Needs the prelude `queue`.
-- ARGV  1 the start the numbers belong to, -1 if none  2 numbers that were seen (packed u32)
-- Returns {byte of the first bit shown, bits of those who wait by place}, then the header.
local seen = ARGV[2]
if tonumber(ARGV[1]) == count.start then
  local command = { SEEN }
  for at = 1, #seen, 4 do
    local n = #command
    command[n + 1], command[n + 2] = "SET", "u32"
    command[n + 3], command[n + 4] = "#" .. struct.unpack(">I4", seen, at), now_s
    if n > 4000 or at + 4 > #seen then
      redis.call("BITFIELD", unpack(command))
      command = { SEEN }
    end
  end
end
admit()
local from = math.floor((count.head or 0) / 8)
local found = header()
table.insert(found, 1, from)
table.insert(found, 2, redis.call("GETRANGE", WAITING, from, -1))
return found
