-- Takes back the ranges and callbacks whose lease has ended.
-- KEYS  1 reclaim  2 ranges:leased  3 ranges  4 callbacks:leased  5 callbacks:parked
-- ARGV  1 lease, ms  2 most items of a kind  3 prefix of range:<id>  4 prefix of callback:<id>
--       5 prefix of callbacks:<destination>  6 wake channel  7 wake message for ranges  8 for callbacks
--       9 stalls from which on a range lets all others go first  10 prefix of troubled:<kind>:<destination>
-- Returns {ranges, callbacks, ms until the next lease ends or -1}
-- Atomic: several reclaimers may run at once; an item is moved by one of them.
-- After a gap (Redis was away, its clock stepped) every lease looks ended although its worker lives: wait one lease first.
-- Begins with ZREM, which passes a full Redis.
redis.call('ZREM', KEYS[2], '')
local at, lease = now(), tonumber(ARGV[1])
local noted = redis.call('HMGET', KEYS[1], 'last', 'hold')
local last, hold = tonumber(noted[1] or '') or 0, tonumber(noted[2] or '') or 0
local leased = redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[4])
local function note(hold)
  redis.call('HSET', KEYS[1], 'last', int(at), 'hold', int(hold))
  redis.call('PEXPIRE', KEYS[1], int(10 * lease)) -- it says nothing any more by then, and a job that nobody runs leaves nothing
end
if leased == 0 then -- what is leased from now on ends a lease from now: looked at by then, it needs no waiting
  note(0)
  return {0, 0, -1}
end
if at < last or at - last > lease then hold = at + lease end
note(hold)
if at < hold then
  -- A clock that stepped back leaves leases that would end long after: nobody may have one for longer than from now.
  local wait, most = hold - at, tonumber(ARGV[2])
  for _, key in ipairs({KEYS[2], KEYS[4]}) do
    local far = redis.call('ZRANGE', key, '(' .. int(at + lease), '+inf', 'BYSCORE', 'LIMIT', 0, most)
    for _, id in ipairs(far) do redis.call('ZADD', key, int(at + lease), id) end
    if #far == most then wait = 0 end -- there may be more
  end
  return {0, 0, wait}
end

local ranges = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', int(at), 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  local key, stalls = ARGV[3] .. id, 0
  redis.call('ZREM', KEYS[2], id)
  -- A worker that ended before it began to compare says nothing about the range.
  if redis.call('HGET', key, 'begun') then
    stalls = redis.call('HINCRBY', key, 'stalls', 1)
    redis.call('HSET', key, 'error', 'stalled')
  end
  unlease(key)
  redis.call(stalls < tonumber(ARGV[9]) and 'RPUSH' or 'LPUSH', KEYS[3], id)
  ranges = ranges + 1
end

local callbacks = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[4], '-inf', int(at), 'BYSCORE', 'LIMIT', 0, ARGV[2])) do
  local key = ARGV[4] .. id
  local item = redis.call('HMGET', key, 'destination', 'hold', 'trouble')
  redis.call('ZREM', KEYS[4], id)
  if item[2] then
    redis.call('ZADD', KEYS[5], int(at), id)
    redis.call('HDEL', key, 'trouble')
    trouble(ARGV[10], item[1] or '', id, item[3], '')
  elseif item[1] then
    -- The worker that is gone may have sent it: "equal" has to be read twice.
    redis.call('HDEL', key, 'token', 'worker')
    redis.call('HSET', key, 'doubt', '1')
    redis.call('RPUSH', ARGV[5] .. item[1], id)
    callbacks = callbacks + 1
  end
end
if ranges > 0 then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
if callbacks > 0 then redis.call('PUBLISH', ARGV[6], ARGV[8]) end

local next = -1
for _, key in ipairs({KEYS[2], KEYS[4]}) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.max(0, tonumber(first[2]) - at)
    if next < 0 or wait < next then next = wait end
  end
end
return {ranges, callbacks, next}
