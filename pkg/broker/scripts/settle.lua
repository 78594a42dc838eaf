-- Says what became of leased callbacks.
-- KEYS  1 callbacks:leased  2 stats  3 stats:<day>  4 callbacks:confirm  5 callbacks:verify  6 callbacks:retry
--       7 callbacks:slow  8 callbacks:parked
-- ARGV  1 prefix of callback:<id>  2 prefix of callbacks:<destination>  3 life of the day's counters, s
--       4 wake channel  5 wake message for a due time  6 wake message for callbacks  7 confirm delay, ms
--       8 prefix of trouble:<kind>:<destination>
--       then per callback: id, token, to, delay in ms, seen, counters (words), number of fields, field, value, …
--       to: close, release, or a KEYS index 4..8
-- Returns per callback "ok", "lost" (leased by somebody else, or closed) or "again" (seen again while leased: to confirm)
-- Atomic: the token, the count of sightings and the move are one step. Begins with ZREM, which passes a full Redis.
local at, reply, i, earlier, back = now(), {}, 9, false, false
while i <= #ARGV do
  local id, token, to, seen, counters = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5]
  local wait, fields = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 6])
  local first = i + 7
  i = first + fields
  local key = ARGV[1] .. id
  local item = redis.call('HMGET', key, 'token', 'seen', 'hold', 'destination', 'trouble')
  if item[1] ~= token then
    reply[#reply + 1] = 'lost'
  else
    local answer = 'ok'
    redis.call('ZREM', KEYS[1], id)
    if to == 'close' and item[2] ~= seen then
      -- It was seen different once more after it had been read equal, or just before: look again.
      redis.call('HDEL', key, 'token', 'worker', 'hot_since', 'posted', 'trouble')
      redis.call('HSET', key, 'phase', 'confirm')
      earlier = delay(KEYS[4], at + tonumber(ARGV[7]), id) or earlier
      answer = 'again'
    elseif to == 'close' then
      redis.call('DEL', key)
    else
      redis.call('HDEL', key, 'token', 'worker')
      for f = first, i - 2, 2 do
        if ARGV[f + 1] == '' then
          redis.call('HDEL', key, ARGV[f])
        else
          redis.call('HSET', key, ARGV[f], ARGV[f + 1])
        end
      end
      if item[3] then
        redis.call('HDEL', key, 'trouble') -- a person has seen to it
        redis.call('ZADD', KEYS[8], int(at), id)
      elseif to == 'release' then
        redis.call('RPUSH', ARGV[2] .. item[4], id)
        back = true
      else
        earlier = delay(KEYS[tonumber(to)], at + wait, id) or earlier
      end
    end
    trouble(ARGV[8], item[4] or '', id, item[5], redis.call('HGET', key, 'trouble'), at)
    if answer == 'ok' then
      for name in string.gmatch(counters, '%S+') do
        redis.call('HINCRBY', KEYS[2], name, 1)
        redis.call('HINCRBY', KEYS[3], name, 1)
      end
    end
    reply[#reply + 1] = answer
  end
end
redis.call('EXPIRE', KEYS[3], ARGV[3])
if earlier then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
if back then redis.call('PUBLISH', ARGV[4], ARGV[6]) end
return reply
