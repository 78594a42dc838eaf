-- Notes that people were told of something.
-- KEYS  1 told
-- ARGV  1 field  2 "on", "again" or "over"
-- Returns {1 the first time, 0 for a repeat}
-- Atomic: the mark and the end of the claim are one step. Begins with HDEL, which passes a full Redis.
local first = redis.call('HDEL', KEYS[1], 'claim:' .. ARGV[1])
local at = int(now())
local word, last, since = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%a+) (%d+) since (%d+)$')
if ARGV[2] == 'over' then
  if word then redis.call('HSET', KEYS[1], ARGV[1], 'over ' .. last .. ' since ' .. since) end
else
  redis.call('HSET', KEYS[1], ARGV[1], 'on ' .. at .. ' since ' .. (word == 'on' and since or at))
end
return {first}
