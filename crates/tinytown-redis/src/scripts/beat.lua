-- Says that an agent's worker lives. A later generation begins at 1 and shuts the earlier ones out.
-- KEYS     town, beats
-- ARGV[5]  the agent      ARGV[6]  its generation
local beats, agent, generation = KEYS[2], ARGV[5], ARGV[6]
local count = 1
local latest = redis.call('HGET', beats, agent)
if latest then
  local current, before = string.match(latest, '^(%d+) (%d+)$')
  if tonumber(current) > tonumber(generation) then return answer('superseded', current) end
  if current == generation then count = tonumber(before) + 1 end
end
redis.call('HSET', beats, agent, generation .. ' ' .. count)
return answer('beat', count)
