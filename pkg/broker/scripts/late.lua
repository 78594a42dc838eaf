-- Pushes the ranges of a sample whose late pass is due, and keeps what is left of it.
-- KEYS  1 lock  2 samples  3 paused  4 ranges  5 ranges:leased  6 ranges:retry
-- ARGV  1 lock token  2 the sample  3 what is left of it ("": nothing)
--       4 most ranges waiting  5 wake channel  6 wake message  7 prefix of range:<id>  8.. range ids
-- Returns {"ok"} {"lock"} {"gone"} {"paused"} {"full", ranges waiting}
-- Atomic: the sample is the only note that the late pass is owed. "gone" after a lost reply means done.
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return {'lock'} end
local score = redis.call('ZSCORE', KEYS[2], ARGV[2])
if not score then return {'gone'} end
if paused(KEYS[3]) then return {'paused'} end
local waiting = redis.call('LLEN', KEYS[4])
local ranges = waiting + redis.call('ZCARD', KEYS[5]) + redis.call('ZCARD', KEYS[6])
if #ARGV > 7 and ranges + #ARGV - 7 > tonumber(ARGV[4]) then return {'full', ranges} end

enqueue(KEYS[4], ARGV[7], ARGV, 8)
redis.call('ZREM', KEYS[2], ARGV[2])
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[2], score, ARGV[3]) end
if waiting == 0 and #ARGV > 7 then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
return {'ok'}
