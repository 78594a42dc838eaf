-- Makes slow callbacks of a destination due now: its receiver is well again.
-- KEYS  1 troubled:slow:<destination>  2 callbacks:slow
-- ARGV  1 where to go on, "0" to begin; "" for any one  2 about how many  3 wake channel  4 wake message for a due time
-- Returns {where to go on; "0" at the end}
-- Atomic: one that is leased meanwhile must not be added to the set again.
-- Those that wait for another reason (a yes without effect) are not in the index of the failed ones, and stay.
local at, on, ids = now(), '0', nil
if ARGV[1] == '' then
  ids = redis.call('SRANDMEMBER', KEYS[1], 1)
else
  local found = redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
  on, ids = found[1], found[2]
end
for _, id in ipairs(ids) do
  local due = redis.call('ZSCORE', KEYS[2], id)
  if due and tonumber(due) > at then redis.call('ZADD', KEYS[2], int(at), id) end
end
if #ids > 0 then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return {on}
