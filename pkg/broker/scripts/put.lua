-- Opens a callback for every difference of one numbered portion of a range.
-- KEYS  1 range:<id>  2 ranges:leased  3 callbacks:confirm
-- ARGV  1 range id ("": no range stands behind it, always put)  2 range token  3 portion, from 1
--       4 lease, ms  5 confirm delay, ms  6 prefix of callback:<id>  7 wake channel  8 wake message
--       9.. per difference: id, destination, shard, key, type, source hash, webhook id
-- Returns {"ok", opened, seen again} {"lost"} {"portion", found}
-- Atomic: portion and differences stand or fall together, so an ack that names the portion proves the put.
-- Begins with HSET, which a full Redis refuses. A portion that is put twice counts once.
-- One that does not follow the last was preceded by one that a failover lost: the range has to be compared again.
local at = now()
if ARGV[1] ~= '' then
  local range = redis.call('HMGET', KEYS[1], 'token', 'progress')
  if range[1] ~= ARGV[2] then return {'lost'} end
  if tonumber(range[2]) >= tonumber(ARGV[3]) then return {'ok', 0, 0} end
  if tonumber(range[2]) ~= tonumber(ARGV[3]) - 1 then return {'portion', range[2]} end
  redis.call('HSET', KEYS[1], 'progress', ARGV[3])
  redis.call('ZADD', KEYS[2], 'XX', int(at + tonumber(ARGV[4])), ARGV[1])
end

local due, again, waiting = int(at + tonumber(ARGV[5])), 0, {}
for i = 9, #ARGV, 7 do
  local key = ARGV[6] .. ARGV[i]
  if redis.call('EXISTS', key) == 1 then
    redis.call('HINCRBY', key, 'seen', 1)
    again = again + 1
  else
    redis.call('HSET', key, 'destination', ARGV[i + 1], 'shard', ARGV[i + 2], 'key', ARGV[i + 3], 'type', ARGV[i + 4],
      'hash', ARGV[i + 5], 'webhook', ARGV[i + 6], 'phase', 'confirm', 'seen', '1', 'attempts', '0', 'first_seen', int(at))
    waiting[#waiting + 1] = due
    waiting[#waiting + 1] = ARGV[i]
  end
end
if #waiting > 0 then
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  redis.call('ZADD', KEYS[3], unpack(waiting))
  if not first[2] or tonumber(due) < tonumber(first[2]) then redis.call('PUBLISH', ARGV[7], ARGV[8]) end
end
return {'ok', #waiting / 2, again}
