-- Says what people are to be told of, and gives the telling to one process for a time.
-- KEYS  1 told
-- ARGV  1 token  2 how often they are told again of what goes on, ms  3 how long after that the end is told at the earliest, ms
--       4 how long a process has to tell, ms  5.. of each thing that is so: its field, "on" or "fading"
-- Returns {field, "on" "again" or "over", 1 unless somebody was to tell of it and did not, ms since people know of it} for each
-- Atomic: of several processes that find the same, one tells of it. A repeat after a lost reply has the same token and
-- gives the same again. People are told at least once: a telling that note_told does not follow is given to another.
-- Begins with HDEL, which passes a full Redis.
redis.call('HDEL', KEYS[1], '')
local at, again, calm, life = now(), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local fields, told, so, news = redis.call('HGETALL', KEYS[1]), {}, {}, {}
for i = 1, #fields, 2 do told[fields[i]] = fields[i + 1] end

-- What is known of a field: whether it was on or over when people were told last, when that was, and since when they know.
local function known(field)
  local word, last, first = string.match(told[field] or '', '^(%a+) (%d+) since (%d+)$')
  return word, tonumber(last), tonumber(first)
end
-- Whether so much time has passed since a time; a clock that stepped back does not make it longer.
local function past(time, ms) return at < time or at - time >= ms end

local function claim(field, word, first)
  local ends, token = string.match(told['claim:' .. field] or '', '^(%d+) by (.+)$')
  ends = tonumber(ends)
  if ends and token ~= ARGV[1] and ends > at and ends <= at + life then return end
  redis.call('HSET', KEYS[1], 'claim:' .. field, int(at + life) .. ' by ' .. ARGV[1])
  for _, value in ipairs({field, word, (not ends or token == ARGV[1]) and 1 or 0, first and math.max(0, at - first) or 0}) do
    news[#news + 1] = value
  end
end

for i = 5, #ARGV, 2 do
  local field, word, last, first = ARGV[i], known(ARGV[i])
  so[field] = true
  if ARGV[i + 1] == 'on' then
    if not word then
      claim(field, 'on')
    elseif past(last, again) then
      if word == 'on' then claim(field, 'again', first) else claim(field, 'on') end
    end
  end
end
for i = 1, #fields, 2 do
  local field, word, last, first = fields[i], known(fields[i])
  local claimed = string.match(field, '^claim:(.+)$')
  if claimed then
    if not so[claimed] and not told[claimed] then redis.call('HDEL', KEYS[1], field) end
  elseif not word then
    redis.call('HDEL', KEYS[1], field) -- written by a hand, or by another version
  elseif so[field] then
  elseif word == 'on' then
    if past(last, calm) then claim(field, 'over', first) end
  elseif past(last, again) then
    redis.call('HDEL', KEYS[1], field)
  end
end
return news
