-- Puts an input into the inbox, once under its name. Who waits for the inbox wakes by the XADD.
-- KEYS     town, inbox, posts, blobs
-- ARGV[5]  the operation's name      ARGV[6]  the input      ARGV[7]  its SHA-256      ARGV[8]  when it was posted
-- ARGV[9…] long texts: SHA-256 and text, in turn
local inbox, posts, blobs = KEYS[2], KEYS[3], KEYS[4]
local op, input, sum, at = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

local known = redis.call('HGET', posts, op)
if known then
  local id, first = string.match(known, '^(%d+) (%x+)$')
  if first == sum then return answer('posted', id) end
  return answer('other-content')
end
local id = redis.call('HINCRBY', town, 'last_input', 1)
redis.call('XADD', inbox, id .. '-0', 'op', op, 'input', input, 'at', at)
redis.call('HSET', posts, op, id .. ' ' .. sum)
for i = 9, #ARGV, 2 do redis.call('HSETNX', blobs, ARGV[i], ARGV[i + 1]) end
changed()
return answer('posted', id)
