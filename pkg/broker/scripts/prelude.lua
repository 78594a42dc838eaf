-- Shared by every script. Times are Redis' own, in ms: hosts' clocks differ.
local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- A score or a counter as decimal text; Lua would write large numbers as 1.7e+12.
local function int(n)
  return string.format('%.0f', n)
end

-- How many callbacks are open: counted where they are, so that no counter can disagree.
-- keys: first the five sorted sets, then the list of each destination.
local function open(keys, first)
  local n = 0
  for i = first, #keys do
    n = n + redis.call(i < first + 5 and 'ZCARD' or 'LLEN', keys[i])
  end
  return n
end

-- Whether an operator holds the job. A hold that names its end in ms is over by itself.
local function paused(key)
  local held = redis.call('HMGET', key, 'by', 'until')
  if not held[1] then return false end
  local ends = tonumber(held[2] or '')
  return not ends or now() < ends
end

-- Adds an id to a sorted set of delayed items. True when nothing there was due
-- earlier, so that whoever sleeps until the next due time has to be told.
local function delay(key, due, id)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  redis.call('ZADD', key, int(due), id)
  return not first[2] or due < tonumber(first[2])
end

-- Where a version of before, which may still run beside this one, keeps the index below: sorted sets trouble:….
local function noted_before(prefix) return string.sub(prefix, 1, -3) .. ':' end

-- Keeps the index of what people are told of. Why an open callback needs them is its field
-- "trouble"; while it has one, its id stands in troubled:<kind>:<destination>. That is a plain set: a receiver that
-- is gone puts all its callbacks there, and a sorted set takes 50 bytes more for each.
-- A script that changes or deletes that field calls this with the old and the new value.
local function trouble(prefix, destination, id, old, new)
  old, new = old or '', new or ''
  if old ~= '' then redis.call('ZREM', noted_before(prefix) .. old .. ':' .. destination, id) end
  if old ~= new and old ~= '' then redis.call('SREM', prefix .. old .. ':' .. destination, id) end
  if new ~= '' then redis.call('SADD', prefix .. new .. ':' .. destination, id) end
end

-- Notes what happened in a list that keeps the newest thousand. Scripts that act for a person
-- call it after their own writes, so that the act and its note are one step.
local function event(key, at, kind, who, what)
  redis.call('LPUSH', key, cjson.encode({at = at, kind = kind, who = who, what = what}))
  redis.call('LTRIM', key, 0, 999)
end

-- Rows that were read are paid for at the allowed rate, at the latest after so long, ms.
local longest_debt = 600000

-- When the rows read so far are paid for: now, where they are, or where a time farther than
-- any debt says that the clock stepped back.
local function paid(key, at)
  local time = tonumber(redis.call('GET', key) or '0')
  if time < at or time >= at + longest_debt then return at end
  return time
end

-- Puts the ranges args[first].. at the end of the list, and notes in their hashes since when they wait.
local function enqueue(key, prefix, args, first)
  local at = int(now())
  for i = first, #args do
    redis.call('LPUSH', key, args[i])
    redis.call('HSET', prefix .. args[i], 'since', at)
  end
end

-- Takes the lease out of a range's hash; what is known of the range stays.
local function unlease(key)
  redis.call('HDEL', key, 'token', 'worker', 'progress', 'begun')
end
