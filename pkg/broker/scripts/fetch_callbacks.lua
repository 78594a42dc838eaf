-- Leases the oldest due callbacks of one destination to one worker.
-- KEYS  1 spec  2 paused  3 callbacks:<destination>  4 callbacks:leased  5 callbacks:parked
--       6 paused:<destination>
-- ARGV  1 identity  2 details  3 worker  4 lease, ms  5 token  6 most callbacks  7 prefix of callback:<id>
--       8 prefix of troubled:<kind>:<destination>
-- Returns {"ok", now in ms, {fields, key, id, token}, …} {"paused"} {"spec", field, found}
--       fields: names and values divided by zero bytes, in one text, for each of a reply costs Redis and the worker as much
--       as the reading; but for the value of key, which may hold any byte.
-- Atomic: a callback is on the list or leased, never on neither.
-- Begins with RPOP, which passes a full Redis. An id whose hash is gone was closed by hand; a held one is parked.
local spec = redis.call('HMGET', KEYS[1], 'identity', 'details')
if not spec[1] then return {'ok', int(now())} end
if spec[1] ~= ARGV[1] then return {'spec', 'identity', spec[1]} end
if spec[2] ~= ARGV[2] then return {'spec', 'details', spec[2] or ''} end
if paused(KEYS[2]) or paused(KEYS[6]) then return {'paused'} end

local at = now()
local reply = {'ok', int(at)}
local ids = redis.call('RPOP', KEYS[3], ARGV[6])
if not ids then return reply end
local ends, leased = int(at + tonumber(ARGV[4])), {}
for i, id in ipairs(ids) do
  local key = ARGV[7] .. id
  local fields = redis.call('HGETALL', key)
  local held, destination, worry, row = false, '', '', ''
  for f = 1, #fields, 2 do
    local name = fields[f]
    if name == 'hold' then
      held = true
    elseif name == 'destination' then
      destination = fields[f + 1]
    elseif name == 'trouble' then
      worry = fields[f + 1]
    elseif name == 'key' then
      row = fields[f + 1]
      fields[f + 1] = ''
    end
  end
  if held then
    redis.call('ZADD', KEYS[5], int(at), id)
    redis.call('HDEL', key, 'trouble')
    trouble(ARGV[8], destination, id, worry, '')
  elseif #fields > 0 then
    local token = ARGV[5] .. '-' .. i
    redis.call('HSET', key, 'token', token, 'worker', ARGV[3])
    leased[#leased + 1] = ends
    leased[#leased + 1] = id
    reply[#reply + 1] = {table.concat(fields, '\0'), row, id, token}
  end
end
if #leased > 0 then redis.call('ZADD', KEYS[4], unpack(leased)) end
return reply
