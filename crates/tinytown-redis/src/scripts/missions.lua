-- The missions of an index, oldest first, as of one moment.
-- KEYS  town, missions or unfinished, unfinished, rows
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local row = redis.call('HMGET', KEYS[4], id .. ':version', id .. ':charter', id .. ':head')
  found[#found + 1] = {id, row[1], row[2], row[3], redis.call('ZSCORE', KEYS[3], id) and 1 or 0}
end
return answer('missions', found)
