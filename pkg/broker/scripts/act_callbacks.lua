-- Does what a person wants with callbacks.
-- KEYS  1 callbacks:parked  2 callbacks:slow  3 callbacks:retry  4 callbacks:verify  5 callbacks:confirm  6 callbacks:leased  7 events
-- ARGV  1 act: retry, park, unpark or drop  2 who  3 reason  4 prefix of callback:<id>  5 prefix of callbacks:<destination>
--       6 prefix of troubled:<kind>:<destination>  7 wake channel  8 wake message for callbacks
--       9 what to note as an event, "" for nothing  10 a text that no other call has, for new webhook ids  11.. ids
-- Returns per id "done", "leased" (a worker has it, retry needs nothing), "due" (it is on the list already),
--         "held" (parked: unpark it first) or "gone"
-- Atomic: the move, the hold and the note are one step. Begins with ZREM, which passes a full Redis.
redis.call('ZREM', KEYS[1], '')
local at, act, reply, done, back = now(), ARGV[1], {}, 0, false
local function take(key, last)
  for i = 1, last do
    if redis.call('ZREM', KEYS[i], key) == 1 then return true end
  end
  return false
end
for i = 11, #ARGV do
  local id = ARGV[i]
  local key = ARGV[4] .. id
  local item = redis.call('HMGET', key, 'destination', 'token', 'hold', 'trouble', 'posted')
  local answer = 'done'
  local list = ARGV[5] .. (item[1] or '')
  if not item[1] then
    answer = 'gone'
  elseif act == 'drop' then
    take(id, 6) -- on a list it has no hash any more, and is dropped when it is fetched
    redis.call('DEL', key)
    trouble(ARGV[6], item[1], id, item[4], '')
  elseif act == 'park' then
    local waits = take(id, 6)
    redis.call('HDEL', key, 'token', 'worker', 'trouble')
    redis.call('HSET', key, 'hold', ARGV[2], 'why', ARGV[3])
    if waits then redis.call('ZADD', KEYS[1], int(at), id) end -- one that is due goes there when it is fetched
    trouble(ARGV[6], item[1], id, item[4], '')
  elseif act == 'unpark' then
    redis.call('HDEL', key, 'hold', 'why')
    if redis.call('ZREM', KEYS[1], id) == 1 then
      redis.call('HSET', key, 'phase', 'confirm', 'attempts', '0')
      if item[5] then -- its receiver said yes, and would take a repeat under the same webhook id for done
        redis.call('HDEL', key, 'posted')
        redis.call('HSET', key, 'webhook', ARGV[10] .. '-' .. i)
      end
      redis.call('LPUSH', list, id)
      back = true
    elseif not item[3] then
      answer = 'due'
    end
  elseif item[3] or redis.call('ZSCORE', KEYS[1], id) then
    answer = 'held'
  elseif item[2] then
    answer = 'leased'
  elseif take(id, 5) then
    redis.call('HSET', key, 'attempts', '0')
    redis.call('LPUSH', list, id)
    back = true
  else
    answer = 'due'
  end
  if answer == 'done' then done = done + 1 end
  reply[#reply + 1] = answer
end
if done > 0 and ARGV[9] ~= '' then event(KEYS[7], at, act, ARGV[2], ARGV[9]) end
if back then redis.call('PUBLISH', ARGV[7], ARGV[8]) end
return reply
