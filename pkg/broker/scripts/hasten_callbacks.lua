-- Makes slow callbacks of a destination due now: its receiver is well again.
-- KEYS  1 trouble:slow:<destination>  2 callbacks:slow
-- ARGV  1 first to look at, from 0  2 most  3 wake channel  4 wake message for a due time
-- Returns {looked at}
-- Atomic: one that is leased meanwhile must not be added to the set again.
-- Those that wait for another reason (a yes without effect) are not in the index of the failed ones, and stay.
local at, ids = now(), redis.call('ZRANGE', KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1)
for _, id in ipairs(ids) do
  local due = redis.call('ZSCORE', KEYS[2], id)
  if due and tonumber(due) > at then redis.call('ZADD', KEYS[2], int(at), id) end
end
if #ids > 0 then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return {#ids}
