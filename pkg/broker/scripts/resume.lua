-- Ends the hold of a job or of one destination's callbacks, and notes it.
-- KEYS  1 paused or paused:<destination>  2 events  3 brake:<destination>, where it is one's
-- ARGV  1 who  2 wake channel  3 wake message  4 what the note begins with
-- Returns {"ok"} {"not held"}
-- Atomic: a hold and its note are one step. Begins with DEL, which passes a full Redis.
-- A hold that is over by itself is cleared up in silence.
local held = paused(KEYS[1])
local by = redis.call('HMGET', KEYS[1], 'by', 'why')
redis.call('DEL', KEYS[1])
if not held then return {'not held'} end
if KEYS[3] then
  -- Whoever has seen to it does not want it held again by what was counted before.
  redis.call('DEL', KEYS[3])
  redis.call('HSET', KEYS[3], 'resumed', int(now()))
end
event(KEYS[2], now(), 'resume', ARGV[1], ARGV[4] .. 'was paused by ' .. by[1] .. ': ' .. (by[2] or ''))
redis.call('PUBLISH', ARGV[2], ARGV[3])
return {'ok'}
