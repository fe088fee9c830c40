-- A page of a stream: the inbox, a mailbox, or steps; of a mission's steps only if there is that mission.
-- KEYS     town, stream, rows
-- ARGV[2]  the position after which it begins      ARGV[3]  most entries, 0 for all that there are
-- ARGV[4]  the mission whose stream it is, or nothing
if ARGV[4] ~= '' and redis.call('HEXISTS', KEYS[3], ARGV[4] .. ':version') == 0 then
  return answer('no-mission')
end
local after = '(' .. ARGV[2] .. '-0'
if ARGV[3] == '0' then return answer('page', redis.call('XRANGE', KEYS[2], after, '+')) end
return answer('page', redis.call('XRANGE', KEYS[2], after, '+', 'COUNT', ARGV[3]))
