-- Leases the oldest due callbacks of one destination to one worker.
-- KEYS  1 spec  2 paused  3 callbacks:<destination>  4 callbacks:leased  5 callbacks:parked
-- ARGV  1 identity  2 details  3 worker  4 lease, ms  5 token  6 most callbacks  7 prefix of callback:<id>
--       8 prefix of trouble:<kind>:<destination>
-- Returns {"ok", now in ms, {id, token, field, value, …}, …} {"paused"} {"spec", field, found}
-- Atomic: a callback is on the list or leased, never on neither.
-- Begins with RPOP, which passes a full Redis. An id whose hash is gone was closed by hand; a held one is parked.
local spec = redis.call('HMGET', KEYS[1], 'identity', 'details')
if not spec[1] then return {'ok', int(now())} end
if spec[1] ~= ARGV[1] then return {'spec', 'identity', spec[1]} end
if spec[2] ~= ARGV[2] then return {'spec', 'details', spec[2] or ''} end
if paused(KEYS[2]) then return {'paused'} end

local at = now()
local reply = {'ok', int(at)}
local ends = int(at + tonumber(ARGV[4]))
for i = 1, tonumber(ARGV[6]) do
  local id = redis.call('RPOP', KEYS[3])
  if not id then break end
  local key = ARGV[7] .. id
  local fields = redis.call('HGETALL', key)
  if #fields > 0 then
    if redis.call('HEXISTS', key, 'hold') == 1 then
      redis.call('ZADD', KEYS[5], int(at), id)
      local item = redis.call('HMGET', key, 'destination', 'trouble')
      redis.call('HDEL', key, 'trouble')
      trouble(ARGV[8], item[1] or '', id, item[2], '', at)
    else
      local token = ARGV[5] .. '-' .. i
      redis.call('HSET', key, 'token', token, 'worker', ARGV[3])
      redis.call('ZADD', KEYS[4], ends, id)
      local item = {id, token}
      for _, v in ipairs(fields) do item[#item + 1] = v end
      reply[#reply + 1] = item
    end
  end
end
return reply
