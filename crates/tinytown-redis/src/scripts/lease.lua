-- Takes, renews or releases the lease; a repeat is answered as the first was, also if that was a refusal.
-- KEYS     town, leases, lease_log
-- ARGV[5]  the operation's name      ARGV[6]  take | renew | release
-- take:    holder, whether it was seen abandoned (1 or 0), epoch seen, counter seen
-- renew, release: incarnation and epoch of the fence
-- Answers: held INCARNATION EPOCH | released | refused EPOCH COUNTER HOLDER, as one text
local leases, log = KEYS[2], KEYS[3]
local op, call = ARGV[5], ARGV[6]
local DAY = 86400

local first = redis.call('HGET', leases, op)
if first then return answer('lease', first) end

local reply = 'refused ' .. epoch .. ' ' .. counter .. ' ' .. (holder and '=' .. holder or '-')
if call == 'take' then
  local abandoned = ARGV[8] == '1' and ARGV[9] == epoch and ARGV[10] == counter
  if not holder or abandoned then
    local next = redis.call('HINCRBY', town, 'epoch', 1)
    redis.call('HSET', town, 'counter', 0, 'holder', ARGV[7])
    reply = 'held ' .. life .. ' ' .. next
  end
elseif holder and ARGV[7] == life and ARGV[8] == epoch then
  if call == 'renew' then
    redis.call('HINCRBY', town, 'counter', 1)
    reply = 'held ' .. life .. ' ' .. epoch
  else
    redis.call('HDEL', town, 'holder')
    reply = 'released'
  end
end
changed()
redis.call('HSET', leases, op, reply)

-- Lease calls carry no time, so the server's says when their names may be forgotten. It judges nothing else.
redis.call('XADD', log, '*', 'op', op)
local now = tonumber(redis.call('TIME')[1])
for _, entry in ipairs(redis.call('XRANGE', log, '-', '+', 'COUNT', 4)) do
  local second = tonumber(string.match(entry[1], '^(%d+)%d%d%d%-'))
  if second and second < now - DAY then
    redis.call('XDEL', log, entry[1])
    redis.call('HDEL', leases, entry[2][2])
  end
end
return answer('lease', reply)
