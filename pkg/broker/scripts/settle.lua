-- Says what became of leased callbacks.
-- KEYS  1 callbacks:leased  2 stats  3 stats:<day>  4 callbacks:confirm  5 callbacks:verify  6 callbacks:retry
--       7 callbacks:slow  8 callbacks:parked
-- ARGV  1 prefix of callback:<id>  2 prefix of callbacks:<destination>  3 life of the day's counters, s
--       4 wake channel  5 wake message for a due time  6 wake message for callbacks  7 confirm delay, ms
--       8 prefix of troubled:<kind>:<destination>  9 a text that no other call has, for new webhook ids
--       then per callback: id, token, to, delay in ms, seen, counters (words), number of fields, field, value, …
--       to: close, release, or a KEYS index 4..8; one to close that people were told of names its trouble, "" from now on
-- Returns per callback "ok", "lost" (leased by somebody else, or closed) or "again" (seen again while leased: to confirm)
-- Atomic: the token, the count of sightings and the move are one step. Begins with ZREM, which passes a full Redis.
redis.call('ZREM', KEYS[1], '')
local at, reply, i, back = now(), {}, 10, false
-- Writes of a kind are collected, so that a batch costs a few commands and not a few for each callback.
local ended, closed, waiting, soonest, counted = {}, {}, {}, {}, {}
local function wait(key, due, id)
  local items = waiting[key]
  if not items then
    items = {}
    waiting[key] = items
  end
  items[#items + 1] = int(due)
  items[#items + 1] = id
  if not soonest[key] or due < soonest[key] then soonest[key] = due end
end
while i <= #ARGV do
  local id, token, to, seen, counters = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5]
  local delay, fields = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 6])
  local first = i + 7
  i = first + fields
  local key = ARGV[1] .. id
  local lease = redis.call('HMGET', key, 'seen', 'token')
  if lease[2] ~= token then
    reply[#reply + 1] = 'lost'
  else
    local held, destination, told
    if to ~= 'close' or lease[1] ~= seen or fields > 0 then -- nearly all end otherwise, and need none of these
      held, destination, told = unpack(redis.call('HMGET', key, 'hold', 'destination', 'trouble'))
    end
    local answer, worry = 'ok', ''
    ended[#ended + 1] = id
    if to == 'close' and lease[1] ~= seen then
      -- It was seen different once more after it had been read equal, or just before: look again. That is another
      -- callback: a receiver that deduplicates has perhaps answered the old webhook id with a yes.
      redis.call('HDEL', key, 'token', 'worker', 'hot_since', 'posted', 'trouble')
      redis.call('HSET', key, 'phase', 'confirm', 'attempts', '0', 'webhook', ARGV[9] .. '-' .. #reply + 1)
      wait(KEYS[4], at + tonumber(ARGV[7]), id)
      answer = 'again'
    elseif to == 'close' then
      closed[#closed + 1] = key
    else
      local set, unset = {}, {'token', 'worker'}
      worry = told or ''
      if held then -- a person has seen to it
        worry = ''
        unset[3] = 'trouble'
      end
      for f = first, i - 2, 2 do
        local name, value = ARGV[f], ARGV[f + 1]
        if name == 'trouble' then
          if held then value = '' end
          worry = value
        end
        if value == '' then
          unset[#unset + 1] = name
        else
          set[#set + 1] = name
          set[#set + 1] = value
        end
      end
      redis.call('HDEL', key, unpack(unset))
      if #set > 0 then redis.call('HSET', key, unpack(set)) end
      if held then
        redis.call('ZADD', KEYS[8], int(at), id)
      elseif to == 'release' then
        redis.call('RPUSH', ARGV[2] .. destination, id)
        back = true
      else
        wait(KEYS[tonumber(to)], at + delay, id)
      end
    end
    trouble(ARGV[8], destination or '', id, told, worry)
    if answer == 'ok' then counted[counters] = (counted[counters] or 0) + 1 end
    reply[#reply + 1] = answer
  end
end
if #ended > 0 then redis.call('ZREM', KEYS[1], unpack(ended)) end
if #closed > 0 then redis.call('DEL', unpack(closed)) end
local earlier = false
for key, items in pairs(waiting) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  redis.call('ZADD', key, unpack(items))
  if not first[2] or soonest[key] < tonumber(first[2]) then earlier = true end
end
for names, n in pairs(counted) do
  for name in string.gmatch(names, '%S+') do
    redis.call('HINCRBY', KEYS[2], name, n)
    redis.call('HINCRBY', KEYS[3], name, n)
  end
end
redis.call('EXPIRE', KEYS[3], ARGV[3])
if earlier then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
if back then redis.call('PUBLISH', ARGV[4], ARGV[6]) end
return reply
