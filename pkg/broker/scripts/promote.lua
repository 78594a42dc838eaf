-- Moves what is due from the sorted sets to the lists.
-- KEYS  1 ranges  2 ranges:retry  3 ranges:parked  4.. callbacks:confirm, :verify, :retry, :slow
-- ARGV  1 most items of a set  2 longest delay, ms  3 prefix of callback:<id>  4 prefix of callbacks:<destination>
--       5 wake channel  6 wake message for ranges  7 wake message for callbacks
-- Returns {moved, ms until the next is due or -1}
-- Atomic: an id is in one structure at a time, so two promoters cannot double it. One whose hash is gone is dropped
-- when it is fetched.
-- Each set begins with ZREM, which passes a full Redis. A score beyond the longest delay (the clock stepped back) is clamped.
redis.call('ZREM', KEYS[2], '')
local at, moved, next, woken = now(), 0, -1, {}
local function put(list, items, message)
  if #items == 0 then return end
  if not woken[message] and redis.call('LLEN', list) == 0 then
    woken[message] = true
    redis.call('PUBLISH', ARGV[5], message)
  end
  redis.call('LPUSH', list, unpack(items))
  moved = moved + #items
end
-- An id begins with its destination, in whose name is no colon, but for a long one: of that there is a hash.
local function destination_of(id)
  local first = string.match(id, '^([^:]+):')
  if first and first ~= 'sha256' then return first end
  return redis.call('HGET', ARGV[3] .. id, 'destination')
end
for i = 2, #KEYS do
  local due = redis.call('ZRANGE', KEYS[i], '-inf', int(at), 'BYSCORE', 'LIMIT', 0, ARGV[1])
  if #due > 0 then redis.call('ZREM', KEYS[i], unpack(due)) end
  if i <= 3 then
    put(KEYS[1], due, ARGV[6])
  else
    local lists = {}
    for _, id in ipairs(due) do
      local destination = destination_of(id)
      if destination then
        local ids = lists[destination]
        if not ids then
          ids = {}
          lists[destination] = ids
        end
        ids[#ids + 1] = id
      end
    end
    for destination, ids in pairs(lists) do put(ARGV[4] .. destination, ids, ARGV[7]) end
  end
  local limit = at + tonumber(ARGV[2])
  for _, id in ipairs(redis.call('ZRANGE', KEYS[i], '(' .. int(limit), '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
    redis.call('ZADD', KEYS[i], int(limit), id)
  end
  local first = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.max(0, tonumber(first[2]) - at)
    if next < 0 or wait < next then next = wait end
  end
end
return {moved, next}
