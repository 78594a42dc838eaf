-- Holds a job, or the callbacks of one destination, for a person, and notes it.
-- KEYS  1 paused or paused:<destination>  2 events
-- ARGV  1 who  2 why  3 for how long, ms; 0 until somebody ends it  4 what to note
-- Returns {when it ends, ms; 0 for never}
-- Atomic: a hold and its note are one step, and its end is on Redis' clock, which the other scripts ask.
-- Begins with DEL, which passes a full Redis: a flood of callbacks is what a job is paused for.
redis.call('DEL', KEYS[1])
local at, ends = now(), 0
redis.call('HSET', KEYS[1], 'by', ARGV[1], 'why', ARGV[2])
if tonumber(ARGV[3]) > 0 then
  ends = at + tonumber(ARGV[3])
  redis.call('HSET', KEYS[1], 'until', int(ends))
end
event(KEYS[2], at, 'pause', ARGV[1], ARGV[4])
return {int(ends)}
