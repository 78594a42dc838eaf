-- Gives a range back: at once to the head of the list, or later.
-- KEYS  1 range:<id>  2 ranges:leased  3 ranges  4 ranges:retry
-- ARGV  1 range id  2 token  3 delay, ms (0: at once, and no attempt is counted)  4 error code  5 wake channel
--       6 wake message for a range at hand  7 wake message for a due time
-- Returns {"ok"} {"lost"}
-- Atomic: the range leaves the lease and stands elsewhere in one step. Begins with ZREM, which passes a full Redis.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return {'lost'} end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[1], 'token', 'worker', 'progress')
if ARGV[3] == '0' then
  redis.call('RPUSH', KEYS[3], ARGV[1])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
else
  redis.call('HINCRBY', KEYS[1], 'attempts', 1)
  redis.call('HSET', KEYS[1], 'error', ARGV[4])
  if delay(KEYS[4], now() + tonumber(ARGV[3]), ARGV[1]) then redis.call('PUBLISH', ARGV[5], ARGV[7]) end
end
return {'ok'}
