-- numbers: prelude of the scripts that look for the number of a visitor. Numbers are in hashes of up to about a
-- hundred visitors, which Redis packs (linear hashing). The first hash is the key itself; it has all of them in
-- a queue that was opened while a node of release 0.1 was there, which knows no other.

-- The largest power of two up to `buckets`.
local function round_of(buckets)
  local size = 1
  while size * 2 <= buckets do size = size * 2 end
  return size
end

local function bucket_key(first, at)
  return at == 0 and first or first .. ":" .. at
end

-- The hash of a visitor, of so many.
local function bucket_of(visitor, first, buckets)
  if buckets < 2 then return first end
  local hash, size = tonumber(string.sub(redis.sha1hex(visitor), 1, 8), 16), round_of(buckets)
  local at = hash % (2 * size)
  return bucket_key(first, at < buckets and at or hash % size)
end
