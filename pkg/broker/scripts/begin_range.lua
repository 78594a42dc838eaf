-- Notes that a worker is about to compare a range that it has leased.
-- KEYS  1 range:<id>  2 ranges:leased
-- ARGV  1 range id  2 token  3 lease, ms
-- Returns {"ok"} {"lost"}
-- Atomic: between the comparison of the token and the note another worker could take the range.
-- Only a range that was begun is blamed when its lease ends: one whose fetch was answered to nobody did no harm.
-- Begins with HSET, which a full Redis refuses: what the range would bring does not fit.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[2] then return {'lost'} end
redis.call('HSET', KEYS[1], 'begun', '1')
redis.call('ZADD', KEYS[2], 'XX', int(now() + tonumber(ARGV[3])), ARGV[1])
return {'ok'}
