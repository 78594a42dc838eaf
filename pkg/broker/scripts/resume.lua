-- Ends a person's hold of a job, and notes it.
-- KEYS  1 paused  2 events
-- ARGV  1 who  2 wake channel  3 wake message
-- Returns {"ok"} {"not held"}
-- Atomic: a hold and its note are one step. Begins with DEL, which passes a full Redis.
-- A hold that is over by itself is cleared up in silence.
local held = paused(KEYS[1])
local by = redis.call('HMGET', KEYS[1], 'by', 'why')
redis.call('DEL', KEYS[1])
if not held then return {'not held'} end
event(KEYS[2], now(), 'resume', ARGV[1], 'was paused by ' .. by[1] .. ': ' .. (by[2] or ''))
redis.call('PUBLISH', ARGV[2], ARGV[3])
return {'ok'}
