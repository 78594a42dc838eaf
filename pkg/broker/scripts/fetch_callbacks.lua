-- Leases the oldest due callbacks of one destination to one worker.
-- KEYS  1 spec  2 paused  3 callbacks:<destination>  4 callbacks:leased  5 callbacks:parked
--       6 paused:<destination>
-- ARGV  1 identity  2 details  3 worker  4 lease, ms  5 token  6 most callbacks  7 prefix of callback:<id>
--       8 prefix of troubled:<kind>:<destination>
-- Returns {"ok", now in ms, callback, …} {"paused"} {"spec", field, found}
--       callback: its names and values divided by zero bytes, with its id among them, and at the end its key, which may hold
--       any byte. It is one text because each text of a reply costs Redis and the worker as much as the reading.
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
for _, id in ipairs(ids) do
  local key = ARGV[7] .. id
  local fields = redis.call('HGETALL', key)
  local size, held, place = #fields, false, nil
  for f = 1, size, 2 do
    local name = fields[f]
    if name == 'key' then
      place = f
    elseif name == 'hold' then
      held = true
    end
  end
  if held then
    local item = redis.call('HMGET', key, 'destination', 'trouble')
    redis.call('ZADD', KEYS[5], int(at), id)
    redis.call('HDEL', key, 'trouble')
    trouble(ARGV[8], item[1] or '', id, item[2], '')
  elseif size > 0 then
    redis.call('HSET', key, 'token', ARGV[5], 'worker', ARGV[3])
    leased[#leased + 1] = ends
    leased[#leased + 1] = id
    if not place then -- a hash that somebody else wrote
      place = size + 1
      size = size + 2
    end
    fields[size + 1], fields[size + 2] = 'key', fields[place + 1] or ''
    fields[place], fields[place + 1] = 'id', id
    reply[#reply + 1] = table.concat(fields, '\0')
  end
end
if #leased > 0 then redis.call('ZADD', KEYS[4], unpack(leased)) end
return reply
