-- Gives a worker leave to call a receiver.
-- KEYS  1 state  2 permits
-- ARGV  1 token  2 POSTs at once wanted  3 allowed at once, of all workers, 0 for any  4 sends wanted
--       5 sends allowed a second, 0 for any  6 longest life of a permit, ms  7 longest life of a probe, ms
-- Returns {slots, sends, ms to wait, when the breaker closed last, since when it is open, now}; times in ms, 0 for never
-- Atomic: workers that count and then take would exceed the limits, and more than one would probe.
-- Begins with ZREMRANGEBYSCORE, which passes a full Redis.
local at = now()
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', int(at))
if (tonumber(redis.call('HGET', KEYS[1], 'used') or '') or 0) > at then
  -- The clock stepped back: until when something was to wait is not known any more.
  redis.call('HDEL', KEYS[1], 'open_until', 'probe', 'probe_until', 'rest_until', 'paid')
  redis.call('HSET', KEYS[1], 'used', int(at))
  redis.call('DEL', KEYS[2])
end
local state = redis.call('HMGET', KEYS[1], 'opened', 'open_until', 'probe_until', 'rest_until', 'closed', 'paid')
local function field(i) return tonumber(state[i] or '') or 0 end
local opened, closed = field(1), field(5)
local function denied(wait) return {0, 0, math.max(1, math.ceil(wait)), closed, opened, at} end

if field(4) > at then return denied(field(4) - at) end
local slots, sends = tonumber(ARGV[2]), tonumber(ARGV[4])
if opened > 0 then
  if field(2) > at then return denied(field(2) - at) end
  if field(3) > at then return denied(math.min(field(3) - at, 1000)) end
  slots, sends = 1, 1
end
local allowed = tonumber(ARGV[3])
if allowed > 0 then
  for _, permit in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    allowed = allowed - tonumber(string.match(permit, '%d+$'))
  end
  slots = math.min(slots, allowed)
  if slots <= 0 then return denied(50) end
end
local rate = tonumber(ARGV[5])
if rate > 0 then
  -- "paid" is until when the sends so far are paid for; what was not sent counts for a fiftieth of a second.
  local each = 1000 / rate
  local paid = math.max(field(6), at - each * math.max(1, math.floor(rate / 50)))
  sends = math.min(sends, math.floor((at - paid) / each + 0.001))
  if sends <= 0 then return denied(paid + each - at) end
  redis.call('HSET', KEYS[1], 'paid', string.format('%.3f', paid + sends * each))
end
if opened > 0 then redis.call('HSET', KEYS[1], 'probe', ARGV[1], 'probe_until', int(at + tonumber(ARGV[7]))) end
redis.call('ZADD', KEYS[2], int(at + tonumber(ARGV[6])), ARGV[1] .. ':' .. int(slots))
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return {slots, sends, 0, closed, opened, at}
