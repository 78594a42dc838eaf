-- Notes what happened, newest first.
-- KEYS  1 events
-- ARGV  1 kind  2 who  3 what
-- Returns {when, ms}
-- Atomic: the list is cut in the step that lets it grow. Its time is Redis' own, as all others.
local at = now()
event(KEYS[1], at, ARGV[1], ARGV[2], ARGV[3])
return {int(at)}
