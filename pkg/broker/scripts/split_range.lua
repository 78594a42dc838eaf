-- Puts the parts of a range in its place.
-- KEYS  1 range:<id>  2 ranges:leased  3 ranges  4 trouble:stalled
-- ARGV  1 range id  2 token  3 most ranges waiting  4 stalls of each part  5 prefix of range:<id>
--       6 wake channel  7 wake message  8.. ids of the parts, which cover the range without a gap
-- Returns {"ok"} {"lost"} {"full", ranges waiting}
-- Atomic: the range and its parts never stand both or neither. "lost" after a lost reply means done.
-- Begins with LPUSH, which a full Redis refuses: the range is then given back whole.
-- The parts go to the end of the list, so that sound ranges are compared before them.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return {'lost'} end
local waiting = redis.call('LLEN', KEYS[3])
if waiting > 0 and waiting + #ARGV - 7 > tonumber(ARGV[3]) then return {'full', waiting} end
local since = redis.call('HGET', KEYS[1], 'since')
for i = 8, #ARGV do
  redis.call('LPUSH', KEYS[3], ARGV[i])
  redis.call('HSET', ARGV[5] .. ARGV[i], 'stalls', ARGV[4])
  if since then redis.call('HSET', ARGV[5] .. ARGV[i], 'since', since) end
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[6], ARGV[7])
return {'ok'}
