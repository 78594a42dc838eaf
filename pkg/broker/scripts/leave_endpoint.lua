-- Ends a leave to call a receiver, and turns its breaker.
-- KEYS  1 state  2 permits
-- ARGV  1 token  2 slots  3 whether an answer came ("1" or "")  4 failures in a row since  5 code of the last
--       6 rest that the receiver asked for, ms  7 failures that open the breaker, 0 for never
--       8 first pause, ms  9 longest pause, ms  10 sends not made  11 sends allowed a second  12 life of the state, ms
-- Returns {"opened"}, {"open"} where it was and stays so, {"closed"} or {""}
-- Atomic: the count of failures and the turn are one step.
-- Begins with ZREM, which passes a full Redis. A repeat after a lost reply counts failures twice: the breaker opens earlier.
local at = now()
redis.call('ZREM', KEYS[2], ARGV[1] .. ':' .. ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'opened', 'probe', 'pause', 'failures', 'rest_until', 'paid')
local function field(i) return tonumber(state[i] or '') or 0 end
local failures, rest, turn = tonumber(ARGV[4]), tonumber(ARGV[6]), ''
local pause, longest = tonumber(ARGV[8]), tonumber(ARGV[9])

local function open(wait)
  -- ±20 %, by the clock: scripts have no random numbers of their own.
  redis.call('HSET', KEYS[1], 'open_until', int(at + wait * (0.8 + 0.4 * (at % 100) / 100)), 'pause', int(wait), 'code', ARGV[5])
end

if rest > 0 then redis.call('HSET', KEYS[1], 'rest_until', int(math.max(field(5), at + rest))) end
if tonumber(ARGV[10]) > 0 and tonumber(ARGV[11]) > 0 then
  redis.call('HSET', KEYS[1], 'paid', string.format('%.3f', field(6) - tonumber(ARGV[10]) * 1000 / tonumber(ARGV[11])))
end
if field(1) > 0 then
  if ARGV[3] == '1' then
    redis.call('HDEL', KEYS[1], 'opened', 'open_until', 'pause', 'probe', 'probe_until', 'failures', 'code')
    redis.call('HSET', KEYS[1], 'closed', int(at))
    turn = 'closed'
  else
    turn = 'open'
    if state[2] == ARGV[1] then
      redis.call('HDEL', KEYS[1], 'probe', 'probe_until') -- without a failure nothing was sent: another may probe at once
      if failures > 0 then open(math.min(field(3) * 2, longest)) end
    end
  end
else
  if ARGV[3] ~= '1' then failures = failures + field(4) end
  if failures == 0 then
    redis.call('HDEL', KEYS[1], 'failures', 'code')
  else
    redis.call('HSET', KEYS[1], 'failures', int(failures), 'code', ARGV[5])
  end
  if tonumber(ARGV[7]) > 0 and failures >= tonumber(ARGV[7]) then
    redis.call('HSET', KEYS[1], 'opened', int(at))
    open(pause)
    turn = 'opened'
  end
end
redis.call('HSET', KEYS[1], 'used', int(at))
redis.call('PEXPIRE', KEYS[1], ARGV[12])
return {turn}
