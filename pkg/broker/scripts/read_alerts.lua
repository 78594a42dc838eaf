-- Reads what people have to know of a job.
-- KEYS  1 told  2 trouble:stalled  3.. the structures of open callbacks
-- ARGV  1 prefix of troubled:<kind>:<destination>  2 prefix of callback:<id>  3 prefix of range:<id>
--       4 open callbacks that are the limit, 0 for none  5 open callbacks from which on it is not over
--       6 kinds of callbacks' troubles, divided by blanks  7 prefix of paused:<destination>  8 who holds as a brake
--       9.. destinations
-- Returns {1 when people were told of something, else 0; then of each: kind, destination, count, error code, "on" or "fading"}
-- Atomic: an id whose item is gone (a hand deleted it) is taken out of the index in the step that finds it so.
local found = {redis.call('EXISTS', KEYS[1])}
local function add(...)
  for _, value in ipairs({...}) do found[#found + 1] = value end
end

-- What is left of what a version of before has noted, which is taken over bit by bit.
local function take_over(kind, destination)
  local from = noted_before(ARGV[1]) .. kind .. ':' .. destination
  for _, id in ipairs(redis.call('ZRANGE', from, 0, 199)) do
    redis.call('ZREM', from, id)
    if redis.call('HGET', ARGV[2] .. id, 'trouble') == kind then redis.call('SADD', ARGV[1] .. kind .. ':' .. destination, id) end
  end
  return redis.call('ZCARD', from)
end

-- Some that are drawn are looked at, so that those that are gone do not stay; where all of them are gone, none is taken
-- to be there. (A version of before, which knows nothing of this index, leaves many behind.)
local function callbacks(kind, destination)
  local before, key, code = take_over(kind, destination), ARGV[1] .. kind .. ':' .. destination, nil
  for round = 1, 5 do
    local ids = redis.call('SRANDMEMBER', key, round == 1 and 20 or 200)
    for _, id in ipairs(ids) do
      local about = redis.call('HMGET', ARGV[2] .. id, 'trouble', 'error')
      if about[1] == kind then
        code = code or about[2] or ''
      else
        redis.call('SREM', key, id)
      end
    end
    if code or #ids == 0 then break end
  end
  local n = before + (code and redis.call('SCARD', key) or 0)
  if n > 0 then add(kind, destination, n, code or '', 'on') end
end

local function ranges()
  for _ = 1, 100 do
    local newest = redis.call('ZRANGE', KEYS[2], -1, -1)[1]
    if not newest then return end
    local about = redis.call('HMGET', ARGV[3] .. newest, 'parked', 'error')
    if about[1] then return add('stalled', '', redis.call('ZCARD', KEYS[2]), about[2] or '', 'on') end
    redis.call('ZREM', KEYS[2], newest)
  end
end

for i = 9, #ARGV do
  local hold = redis.call('HMGET', ARGV[7] .. ARGV[i], 'by', 'percent')
  if hold[1] == ARGV[8] then add('brake', ARGV[i], hold[2] or '0', '', 'on') end
  for kind in string.gmatch(ARGV[6], '%S+') do callbacks(kind, ARGV[i]) end
end
ranges()
local limit, waiting = tonumber(ARGV[4]), open(KEYS, 3)
if limit > 0 and waiting >= tonumber(ARGV[5]) then
  add('backlog', '', waiting, '', waiting >= limit and 'on' or 'fading')
end
return found
