-- Pushes ranges and moves the scan cursor behind them.
-- KEYS  1 lock  2 cursor  3 samples  4 paused  5 ranges  6 ranges:leased  7 ranges:retry
--       8.. the callback structures, counted by open()
-- ARGV  1 lock token  2 cursor field  3 cursor that was read ("*": none)  4 new cursor
--       5 sample to keep for the late pass ("": none)  6 its time, ms
--       7 most ranges waiting  8 most callbacks open  9 wake channel  10 wake message  11 prefix of range:<id>
--       12.. range ids
-- Returns {"ok", ranges waiting} {"lock"} {"cursor", found} {"paused"} {"full", ranges waiting} {"backlog", open}
-- Atomic: a cursor that moved without its ranges loses rows, ranges without the cursor are claimed twice.
-- The lock only saves work. What protects is that the same script compares lock and cursor and writes both:
-- a scheduler that slept past its lock, or whose reply was lost, changes nothing.
-- A claim without ranges only moves the cursor: it passes while the job is held, since what made a cursor fall back
-- may not be seen any more when the hold is over.
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return {'lock'} end
local cursor = redis.call('HGET', KEYS[2], ARGV[2]) or '*'
if cursor ~= ARGV[3] then return {'cursor', cursor} end

local waiting = redis.call('LLEN', KEYS[5])
if #ARGV > 11 then
  if paused(KEYS[4]) then return {'paused'} end
  local backlog = open(KEYS, 8)
  if backlog >= tonumber(ARGV[8]) then return {'backlog', backlog} end
  local ranges = waiting + redis.call('ZCARD', KEYS[6]) + redis.call('ZCARD', KEYS[7])
  if ranges + #ARGV - 11 > tonumber(ARGV[7]) then return {'full', ranges} end
end

redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
if ARGV[5] ~= '' then redis.call('ZADD', KEYS[3], ARGV[6], ARGV[5]) end
enqueue(KEYS[5], ARGV[11], ARGV, 12)
if waiting == 0 and #ARGV > 11 then redis.call('PUBLISH', ARGV[9], ARGV[10]) end
return {'ok', waiting + #ARGV - 11}
