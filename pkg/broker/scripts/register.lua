-- Says what a job is, or finds that it is known as something else.
-- KEYS  1 spec
-- ARGV  1 identity (source and scan key)  2 details (columns, destinations)  3 who leads, "" only asks  4 names of the destinations
-- Returns {"ok"} {"identity", found}
-- Atomic: two schedulers with different sources must not both pass the comparison.
local found = redis.call('HGET', KEYS[1], 'identity')
if found and found ~= ARGV[1] then return {'identity', found} end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'identity', ARGV[1], 'details', ARGV[2], 'leader', ARGV[3], 'destinations', ARGV[4])
end
return {'ok'}
