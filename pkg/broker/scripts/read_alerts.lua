-- Reads what people have to know of a job.
-- KEYS  1 told  2 trouble:stalled  3.. the structures of open callbacks
-- ARGV  1 prefix of trouble:<kind>:<destination>  2 prefix of callback:<id>  3 prefix of range:<id>
--       4 open callbacks that are the limit, 0 for none  5 open callbacks from which on it is not over
--       6 kinds of callbacks' troubles, divided by blanks  7 prefix of paused:<destination>  8 who holds as a brake
--       9.. destinations
-- Returns {1 when people were told of something, else 0; then of each: kind, destination, count, error code, "on" or "fading"}
-- Atomic: an id whose item is gone (a hand deleted it) is taken out of the index in the step that finds it so.
local found = {redis.call('EXISTS', KEYS[1])}
local function add(key, item, field, want, kind, destination)
  for _ = 1, 100 do
    local newest = redis.call('ZRANGE', key, -1, -1)[1]
    if not newest then return end
    local about = redis.call('HMGET', item .. newest, field, 'error')
    if about[1] and (not want or about[1] == want) then
      for _, value in ipairs({kind, destination, redis.call('ZCARD', key), about[2] or '', 'on'}) do
        found[#found + 1] = value
      end
      return
    end
    redis.call('ZREM', key, newest)
  end
end
for i = 9, #ARGV do
  local hold = redis.call('HMGET', ARGV[7] .. ARGV[i], 'by', 'percent')
  if hold[1] == ARGV[8] then
    for _, value in ipairs({'brake', ARGV[i], hold[2] or '0', '', 'on'}) do found[#found + 1] = value end
  end
  for kind in string.gmatch(ARGV[6], '%S+') do
    add(ARGV[1] .. kind .. ':' .. ARGV[i], ARGV[2], 'trouble', kind, kind, ARGV[i])
  end
end
add(KEYS[2], ARGV[3], 'parked', nil, 'stalled', '')
local limit, waiting = tonumber(ARGV[4]), open(KEYS, 3)
if limit > 0 and waiting >= tonumber(ARGV[5]) then
  for _, value in ipairs({'backlog', '', waiting, '', waiting >= limit and 'on' or 'fading'}) do
    found[#found + 1] = value
  end
end
return found
