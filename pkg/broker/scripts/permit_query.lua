-- Takes a permit to query a database server.
-- KEYS  1 slots  2 drained
-- ARGV  1 token  2 queries allowed at once, 0 for any  3 rows allowed a second, 0 for any  4 longest life of a permit, ms
-- Returns {ms to wait}: 0 is a permit, taken now or under this token before
-- Atomic: two that count and then add would exceed the limit.
local at = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(at))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {0} end
if tonumber(ARGV[3]) > 0 then
  local wait = paid(KEYS[2], at) - at
  if wait > 0 then return {wait} end
end
local allowed = tonumber(ARGV[2])
if allowed > 0 and redis.call('ZCARD', KEYS[1]) >= allowed then return {1} end
redis.call('ZADD', KEYS[1], int(at + tonumber(ARGV[4])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {0}
