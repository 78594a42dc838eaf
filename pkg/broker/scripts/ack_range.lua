-- Ends a range that was compared.
-- KEYS  1 range:<id>  2 ranges:leased  3 stats  4 stats:<day>  5 trouble:stalled
-- ARGV  1 range id  2 token  3 last portion that was put  4 life of the day's counters, s  5.. counter, by how much
-- Returns {"ok"} {"lost"} {"portion", found}
-- Atomic: the lease, the token and the portions are checked and the range removed in one step.
-- A portion that Redis does not know was lost in a failover: the range has to be compared again.
local range = redis.call('HMGET', KEYS[1], 'token', 'progress')
if range[1] ~= ARGV[2] then return {'lost'} end
if range[2] ~= ARGV[3] then return {'portion', range[2]} end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('DEL', KEYS[1])
for i = 5, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1])
  redis.call('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[4], ARGV[4])
return {'ok'}
