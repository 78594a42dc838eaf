-- Pushes ranges that an operator asked for, beside those of the scans.
-- KEYS  1 ranges  2 ranges:leased  3 ranges:retry
-- ARGV  1 most ranges waiting  2 wake channel  3 wake message  4 prefix of range:<id>  5.. range ids
-- Returns {"ok"} {"full", ranges waiting}
-- Atomic: the room that was counted is the room that is used.
local waiting = redis.call('LLEN', KEYS[1])
local ranges = waiting + redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3])
if ranges + #ARGV - 4 > tonumber(ARGV[1]) then return {'full', ranges} end
enqueue(KEYS[1], ARGV[4], ARGV, 5)
if waiting == 0 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return {'ok'}
