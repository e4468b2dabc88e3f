-- log: what happened since the log was last written. Needs the prelude `queue`.
-- ARGV  1 start of the queue that was last written of, -1 if none  2 how much of its log is written
--       3 how much to read at most
-- Returns {start or -1, issued, how much came before what follows, what follows, now, early or -1, seed
-- once it is revealed, commitment, rule of the order, waiting}.
local base = count.log_base or 0
if not count.start or is_cut() then return { -1 } end
if tonumber(ARGV[1]) == count.start and tonumber(ARGV[2]) > base then
  local rest = redis.call("GETRANGE", LOG, tonumber(ARGV[2]) - base, -1)
  base = tonumber(ARGV[2])
  redis.call("SET", LOG, rest)
  set("log_base", base)
end
forget_reading()
local is_revealed = count.drawn == 1 and rules.queue_order == "random"
return { count.start, count.issued, base, redis.call("GETRANGE", LOG, 0, tonumber(ARGV[3]) - 1), now,
  count.early or -1, is_revealed and rules.seed or "", rules.commitment or "",
  rules.queue_order or "fifo", count.waiting or 0 }
