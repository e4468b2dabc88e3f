-- snapshot: note who was seen, admit, and show the queue. Needs the prelude `queue`.
-- ARGV  1 the start the numbers belong to, -1 if none  2 numbers that were seen (packed u32)
--       3 epoch of the bits that are known, empty if none are  4 byte from which a part of them is read
--       again  5 byte from which their end is  6 bytes read near the head  7 bytes read in a part
--       8 how many moved numbers of that start are known
-- Returns {epoch, byte of the first bit, bits of those who wait by place from there on, the part, the end,
-- numbers that moved since (packed u32)}, then the header. In another epoch all bits come at once.
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
-- A block of 512 bytes holds the head. The draw gives all early places other bits.
local from = math.floor((count.head or 0) / 4096) * 512
local epoch = (count.start or "none") .. ":" .. (count.drawn or 0)
local near, part, tail = -1, "", ""
if ARGV[3] == epoch then
  near = from + ARGV[6] - 1
  part = redis.call("GETRANGE", WAITING, ARGV[4], ARGV[4] + ARGV[7] - 1)
  tail = redis.call("GETRANGE", WAITING, math.max(ARGV[5], near + 1), -1)
end
local moves = tonumber(ARGV[1]) == count.start and tonumber(ARGV[8]) or 0
local moved = redis.call("GETRANGE", MOVED, moves * 4, -1)
local found = { epoch, from, redis.call("GETRANGE", WAITING, from, near), part, tail, moved }
for _, value in ipairs(header()) do found[#found + 1] = value end
return found
