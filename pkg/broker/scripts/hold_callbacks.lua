-- Moves due callbacks of a destination whose receiver is left alone to the slow queue: no attempt is counted.
-- KEYS  1 callbacks:<destination>  2 callbacks:slow  3 callbacks:parked
-- ARGV  1 most callbacks  2 delay, ms  3 prefix of callback:<id>  4 prefix of troubled:<kind>:<destination>
--       5 destination  6 code
-- Returns {moved}
-- The code of a last answer stays: it says what is wrong with the receiver.
-- Atomic: a callback is in one structure at a time. Begins with RPOP, which passes a full Redis.
local at, moved = now(), 0
for i = 1, tonumber(ARGV[1]) do
  local id = redis.call('RPOP', KEYS[1])
  if not id then break end
  local key = ARGV[3] .. id
  local item = redis.call('HMGET', key, 'destination', 'trouble', 'hold', 'error')
  if item[3] then
    redis.call('HDEL', key, 'trouble')
    redis.call('ZADD', KEYS[3], int(at), id)
    trouble(ARGV[4], ARGV[5], id, item[2], '')
  elseif item[1] then
    redis.call('HSET', key, 'phase', 'slow', 'error', item[4] or ARGV[6], 'trouble', 'slow')
    trouble(ARGV[4], ARGV[5], id, item[2], 'slow')
    -- Spread over ±20 % of the delay, so that they do not all come back at once.
    redis.call('ZADD', KEYS[2], int(at + tonumber(ARGV[2]) * (0.8 + 0.4 * ((at + i * 37) % 100) / 100)), id)
    moved = moved + 1
  end
end
return {moved}
