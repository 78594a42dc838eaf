-- Gives a permit to query a database server back, and counts what was read under it.
-- KEYS  1 slots  2 drained: when the rows read so far are paid for at the allowed rate, ms
-- ARGV  1 token  2 rows read  3 rows allowed a second, 0 for any
-- Returns {1}, or {0} for a permit that ended before: a repeat counts nothing twice
-- Atomic: the rows are counted exactly when the permit goes.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return {0} end
local rate = tonumber(ARGV[3])
if rate > 0 then
  local at = now()
  local drained = math.min(paid(KEYS[2], at) + tonumber(ARGV[2]) * 1000 / rate, at + longest_debt - 1)
  redis.call('SET', KEYS[2], int(drained), 'PX', int(drained - at + 1000))
end
return {1}
