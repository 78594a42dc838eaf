-- Counts how much of a destination differs, and holds its callbacks when that is too much.
-- KEYS  1 paused:<destination>  2 brake:<destination>  3 events
-- ARGV  1 most that may differ, per mille  2 rows compared  3 of them different at first sight
--       4 differences that were there on the second look  5 that were gone by then
--       6 so many there at the least  7 time after which a count weighs half, ms  8 time after a resume in which nothing is held, ms
--       9 who holds it  10 destination
-- Returns {"held"} {"free"}
-- Atomic: counts, judgement and hold are one step, so all workers stop at the same difference.
-- Begins with HDEL, which passes a full Redis. A repeat after a lost reply counts twice: it is a share, not a ledger.
redis.call('HDEL', KEYS[2], '')
local names, at = {'compared', 'different', 'there', 'gone'}, now()
local read = redis.call('HMGET', KEYS[2], 'since', 'resumed', unpack(names))
local since, resumed = tonumber(read[1] or ''), tonumber(read[2] or '')
local halves = since and math.max(0, math.floor((at - since) / tonumber(ARGV[7]))) or 0
if not since or halves > 0 or since > at then redis.call('HSET', KEYS[2], 'since', int(at)) end
local n = {}
for i, name in ipairs(names) do
  n[name] = math.floor(tonumber(read[i + 2] or '0') / 2 ^ math.min(halves, 60)) + tonumber(ARGV[i + 1])
  redis.call('HSET', KEYS[2], name, int(n[name]))
end
if paused(KEYS[1]) then return {'held'} end
if n.compared == 0 or n.there < tonumber(ARGV[6]) then return {'free'} end
if resumed and at >= resumed and at - resumed < tonumber(ARGV[8]) then return {'free'} end
-- Of what differs at first sight only the part counts that the pipeline has not brought a little later.
local share = math.min(1, n.different / n.compared) * n.there / (n.there + n.gone) * 1000
if share <= tonumber(ARGV[1]) then return {'free'} end
local percent = int(math.floor(share / 10))
local why = percent .. ' % of the rows compared in the last minutes differ'
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'by', ARGV[9], 'why', why, 'percent', percent)
event(KEYS[3], at, 'brake', ARGV[9], ARGV[10] .. ': ' .. why)
return {'held'}
