-- Founds the town, unless it is there: then tells whose it is. Stands alone: there may be nothing yet.
-- KEYS[1]  the town
-- ARGV     newest layout known, number for the first life, id, name, created_at
local town = KEYS[1]
local row = redis.call('HMGET', town, 'layout', 'id', 'name', 'created_at')
if row[1] and tonumber(row[1]) > tonumber(ARGV[1]) then return {'newer', row[1]} end
if row[1] then return {'there', row[2], row[3], row[4]} end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
redis.call('HSET', town, 'layout', ARGV[1], 'incarnation', ARGV[2], 'run', run, 'serial', 0,
  'id', ARGV[3], 'name', ARGV[4], 'created_at', ARGV[5], 'version', 0, 'epoch', 0, 'counter', 0)
return {'founded'}
