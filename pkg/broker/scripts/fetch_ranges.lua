-- Leases the oldest ranges to one worker.
-- KEYS  1 spec  2 paused  3 ranges  4 ranges:leased  5.. the callback structures, counted by open()
-- ARGV  1 identity  2 details  3 worker  4 lease, ms  5 token  6 most ranges  7 most callbacks open
--       8 prefix of range:<id>
-- Returns {"ok", id, token, stalls, attempts, parked, …} {"paused"} {"spec", field, found} {"backlog", open}
-- Atomic: a range is on the list or leased, never on neither.
-- Begins with HSET, which a full Redis refuses: ranges bring new callbacks, and those would not fit.
local spec = redis.call('HMGET', KEYS[1], 'identity', 'details')
if not spec[1] then return {'ok'} end
if spec[1] ~= ARGV[1] then return {'spec', 'identity', spec[1]} end
if spec[2] ~= ARGV[2] then return {'spec', 'details', spec[2] or ''} end
if paused(KEYS[2]) then return {'paused'} end
local ids = redis.call('LRANGE', KEYS[3], -tonumber(ARGV[6]), -1)
if #ids == 0 then return {'ok'} end
local backlog = open(KEYS, 5)
if backlog >= tonumber(ARGV[7]) then return {'backlog', backlog} end

local ends, reply = int(now() + tonumber(ARGV[4])), {'ok'}
for i = #ids, 1, -1 do
  local id, key, token = ids[i], ARGV[8] .. ids[i], ARGV[5] .. '-' .. (#ids - i)
  redis.call('HSET', key, 'token', token, 'worker', ARGV[3], 'progress', '0')
  redis.call('HDEL', key, 'begun')
  redis.call('ZADD', KEYS[4], ends, id)
  local counts = redis.call('HMGET', key, 'stalls', 'attempts', 'parked')
  for _, v in ipairs({id, token, counts[1] or '0', counts[2] or '0', counts[3] or '0'}) do reply[#reply + 1] = v end
end
redis.call('LTRIM', KEYS[3], 0, -#ids - 1)
return reply
