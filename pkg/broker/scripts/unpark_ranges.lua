-- Makes ranges that were set aside due now.
-- KEYS  1 ranges:parked  2 ranges
-- ARGV  1 most ranges  2 wake channel  3 wake message  4.. range ids; none: the ones that are due first
-- Returns {ranges that were put on the list}
-- Atomic: an id is in one structure at a time. Begins with ZREM, which passes a full Redis.
local ids, moved = {}, 0
for i = 4, #ARGV do ids[#ids + 1] = ARGV[i] end
if #ids == 0 then ids = redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1) end
for _, id in ipairs(ids) do
  if redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('LPUSH', KEYS[2], id)
    moved = moved + 1
  end
end
if moved > 0 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return {moved}
