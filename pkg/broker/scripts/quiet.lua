-- Holds a process for a person, or has it go on. It reads that with its next beat, which the hint makes come at once.
-- KEYS  1 process:<id>
-- ARGV  1 who and why; "" has it go on  2 wake channel  3 wake message
-- Returns {"ok", what it was held by before, or ""} {"gone"} {"scheduler"}
-- Atomic: a hold for a process that has left would hold another one that gets its name.
-- Begins with HDEL, which passes a full Redis.
local role = redis.call('HGET', KEYS[1], 'role')
if not role then return {'gone'} end
if role == 'scheduler' then return {'scheduler'} end
local before = redis.call('HGET', KEYS[1], 'quiet') or ''
redis.call('HDEL', KEYS[1], 'quiet')
redis.call('HSET', KEYS[1], 'quiet', ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return {'ok', before}
