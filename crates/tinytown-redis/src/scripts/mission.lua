-- One mission whole, as of one moment.
-- KEYS     town, unfinished, rows, items of the mission
-- ARGV[2]  its id
local id = ARGV[2]
local row = redis.call('HMGET', KEYS[3], id .. ':version', id .. ':charter', id .. ':head')
if not row[1] then return answer('no-mission') end
local open = redis.call('ZSCORE', KEYS[2], id) and 1 or 0
return answer('mission', {id, row[1], row[2], row[3], open}, redis.call('HGETALL', KEYS[4]))
