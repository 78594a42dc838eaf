-- Gives a range back: at once to the head of the list, or later.
-- KEYS  1 range:<id>  2 ranges:leased  3 ranges  4 ranges:retry
-- ARGV  1 range id  2 token  3 delay, ms (0: at once, and no attempt is counted)  4 error code
--       5 stalls to add: 1 when the range is to blame
--       6 wake channel  7 wake message for a range at hand  8 wake message for a due time
-- Returns {"ok"} {"lost"}
-- Atomic: the range leaves the lease and stands elsewhere in one step. Begins with ZREM, which passes a full Redis.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return {'lost'} end
redis.call('ZREM', KEYS[2], ARGV[1])
unlease(KEYS[1])
if ARGV[3] == '0' then
  redis.call('RPUSH', KEYS[3], ARGV[1])
  redis.call('PUBLISH', ARGV[6], ARGV[7])
else
  redis.call('HINCRBY', KEYS[1], 'attempts', 1)
  redis.call('HSET', KEYS[1], 'error', ARGV[4])
  if ARGV[5] ~= '0' then redis.call('HINCRBY', KEYS[1], 'stalls', ARGV[5]) end
  if delay(KEYS[4], now() + tonumber(ARGV[3]), ARGV[1]) then redis.call('PUBLISH', ARGV[6], ARGV[8]) end
end
return {'ok'}
