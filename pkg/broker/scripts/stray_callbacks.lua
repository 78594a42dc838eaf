-- Finds callbacks that stand in no queue, and has them read again if somebody wants it.
-- KEYS  1 callbacks:confirm  2 callbacks:verify  3 callbacks:retry  4 callbacks:slow  5 callbacks:leased  6 callbacks:parked
--       7 events
-- ARGV  1 who has them read again, "" only looks  2 prefix of callback:<id>  3 wake channel  4 wake message for a due time
--       5.. ids, which stand on no list
-- Returns of each that stands nowhere: id, destination
-- Atomic: one that a worker or the promoter moves meanwhile is nobody's stray. (One that is added although it has come
-- back onto a list is only read once more.)
local at, strays = now(), {}
for i = 5, #ARGV do
  local id, found = ARGV[i], false
  for k = 1, 6 do found = found or redis.call('ZSCORE', KEYS[k], id) end
  local destination = redis.call('HGET', ARGV[2] .. id, 'destination')
  if destination and not found then
    if ARGV[1] ~= '' then
      redis.call('ZADD', KEYS[1], int(at), id)
      redis.call('HDEL', ARGV[2] .. id, 'token', 'worker')
      redis.call('HSET', ARGV[2] .. id, 'phase', 'confirm', 'doubt', '1') -- it may have been sent
    end
    strays[#strays + 1] = id
    strays[#strays + 1] = destination
  end
end
if ARGV[1] ~= '' and #strays > 0 then
  event(KEYS[7], at, 'audit', ARGV[1], int(#strays / 2) .. ' callback(s) that stood in no queue, the first ' .. strays[1])
  redis.call('PUBLISH', ARGV[3], ARGV[4])
end
return strays
