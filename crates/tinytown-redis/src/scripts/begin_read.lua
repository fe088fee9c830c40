-- What every reading script begins with: is there a town, and can we read it?
-- KEYS[1]  the town      ARGV[1]  the newest layout that the caller knows
local town = KEYS[1]
local row = redis.call('HMGET', town, 'layout', 'incarnation', 'serial')
if not row[1] then return {'no-town'} end
if tonumber(row[1]) > tonumber(ARGV[1]) then return {'newer', row[1]} end

local function answer(word, ...)
  return {word, row[2], row[3], ...}
end

