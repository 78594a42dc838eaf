-- Sets a range aside that no run finishes and that cannot be divided; it is tried again now and then, for ever.
-- KEYS  1 range:<id>  2 ranges:leased  3 ranges:parked  4 trouble:stalled
-- ARGV  1 range id  2 token  3 error code ("": keep the last)  4 stalls to keep
--       5 first wait, ms; doubled each time  6 longest wait, ms  7 wake channel  8 wake message for a due time
-- Returns {"ok"} {"lost"}
-- Atomic: the range leaves the lease and stands elsewhere in one step. Begins with ZREM, which passes a full Redis.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return {'lost'} end
redis.call('ZREM', KEYS[2], ARGV[1])
unlease(KEYS[1])
redis.call('ZADD', KEYS[4], 'NX', int(now()), ARGV[1])
local times = redis.call('HINCRBY', KEYS[1], 'parked', 1)
redis.call('HSET', KEYS[1], 'stalls', ARGV[4])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'error', ARGV[3]) end
local wait = math.min(tonumber(ARGV[5]) * 2 ^ math.min(times - 1, 20), tonumber(ARGV[6]))
if delay(KEYS[3], now() + wait, ARGV[1]) then redis.call('PUBLISH', ARGV[7], ARGV[8]) end
return {'ok'}
