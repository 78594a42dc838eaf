-- Forgets keys of a job that nobody leads.
-- KEYS  1 lock  2.. keys of the job, at most a hundred
-- Returns {"ok", removed} {"led", value of the lock}
-- Atomic: of a job that a scheduler begins to lead nothing more is forgotten.
-- Begins with UNLINK, which passes a full Redis and frees long lists outside of the command.
local lock = redis.call('GET', KEYS[1])
if lock then return {'led', lock} end
local removed = 0
for i = 2, #KEYS do removed = removed + redis.call('UNLINK', KEYS[i]) end
return {'ok', removed}
