-- Extends leases, of ranges or of callbacks.
-- KEYS  1 ranges:leased or callbacks:leased
-- ARGV  1 prefix of the items' hashes  2 lease, ms  3.. id, token, id, token, …
-- Returns the ids that are no longer leased under that token
-- Atomic: between the comparison and the extension another worker could take the item.
-- Begins with ZREM, which passes a full Redis.
local ends, lost = int(now() + tonumber(ARGV[2])), {}
for i = 3, #ARGV, 2 do
  if redis.call('HGET', ARGV[1] .. ARGV[i], 'token') == ARGV[i + 1] and redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('ZADD', KEYS[1], ends, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
