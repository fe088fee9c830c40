-- Makes one decision true, whole or not at all: first every reason to refuse, in the port's order, then
-- all writes. Costs what it changes, however large the mission is.
-- KEYS     town, shared, town_steps, inbox, posts, answers, memos, commits, effects, effect_at, beats, blobs,
--          missions, unfinished, rows, items and steps of the mission (any two, if there is none),
--          then for each mailbox its stream and its index
-- ARGV[5…] op, fence incarnation, fence epoch, at, what was decided before this is forgotten; then, in this order:
--   town      0 | 1, expect, next, has step 0 | 1, step, [keys removed], [key, record]
--   mission   0 | 1, id, expect, next, charter (given if expect is 0), head, unfinished 0 | 1, step, [key, record]
--   unmoved   [agent, generation, counter]
--   acks      [input, answer]
--   mail      [place of the mailbox in KEYS, key], [place, key, record]
--   effects   [op], [op, record]
--   blobs     [SHA-256, text]
-- where [] is a count and as many groups.
local shared, town_steps, inbox, posts, answers, memos = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local commits, effects, effect_at, beats, blobs = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local missions, unfinished, rows, items, steps = KEYS[13], KEYS[14], KEYS[15], KEYS[16], KEYS[17]

local place = 5
local function word()
  place = place + 1
  return ARGV[place - 1]
end
-- The places of a list: from, to, and the width of a group, as a numeric loop wants them.
local function list(width)
  local count = tonumber(word())
  local from = place
  place = place + count * width
  return {from, place - 1, width}
end

local op, fence_life, fence_epoch, at, forget = word(), word(), word(), word(), word()
local first = redis.call('HGET', commits, op)
if first then
  return answer('committed', string.match(first, '^(%d+) (%d+)$'))
end
local fenced = fence_life ~= life or fence_epoch ~= epoch or not holder
if fenced then return answer('fenced', epoch) end

local town_next = nil
local town_step, town_delete, town_put
if word() == '1' then
  local expect = word()
  if expect ~= version then return answer('stale', 'town', version) end
  town_next = word()
  local has_step, step = word(), word()
  if has_step == '1' then town_step = step end
  town_delete, town_put = list(1), list(2)
end

local mission, mission_next = nil, '0'
local charter, head, open, step, mission_put, is_new
if word() == '1' then
  mission = word()
  local expect = word()
  local found = redis.call('HGET', rows, mission .. ':version')
  if found and found ~= expect then return answer('stale', mission, found) end
  if not found and expect ~= '0' then return answer('no-mission') end
  is_new = not found
  mission_next, charter, head, open, step = word(), word(), word(), word(), word()
  mission_put = list(2)
end

local function has_moved(agent, generation, seen)
  local latest = redis.call('HGET', beats, agent)
  if not latest then return seen ~= '0' end
  local current, count = string.match(latest, '^(%d+) (%d+)$')
  if current == generation then return count ~= seen end
  return tonumber(current) > tonumber(generation) or seen ~= '0'
end
local unmoved = list(3)
for i = unmoved[1], unmoved[2], 3 do
  if has_moved(ARGV[i], ARGV[i + 1], ARGV[i + 2]) then return answer('moved', ARGV[i]) end
end

local acks = list(2)
local applied = {}
for i = acks[1], acks[2], 2 do
  local id = ARGV[i] .. '-0'
  local entry = redis.call('XRANGE', inbox, id, id)[1]
  if not entry then return answer('not-waiting', ARGV[i]) end
  applied[#applied + 1] = entry[2][2]
end
local mail_done, mail = list(2), list(3)
local effects_done, effects_new, blobs_new = list(1), list(2), list(2)

-- Nothing is refused from here on. A step comes first: only its number could still be in the way.
if mission then redis.call('XADD', steps, mission_next .. '-0', 'record', step) end
if town_step then redis.call('XADD', town_steps, town_next .. '-0', 'record', town_step) end
changed()

if town_next then
  version = town_next
  redis.call('HSET', town, 'version', version)
  for i = town_delete[1], town_delete[2] do redis.call('HDEL', shared, ARGV[i]) end
  for i = town_put[1], town_put[2], 2 do redis.call('HSET', shared, ARGV[i], ARGV[i + 1]) end
end

if mission then
  redis.call('HSET', rows, mission .. ':version', mission_next, mission .. ':head', head)
  if is_new then
    redis.call('HSET', rows, mission .. ':charter', charter)
    redis.call('ZADD', missions, redis.call('HINCRBY', town, 'last_mission', 1), mission)
  end
  local is_open = redis.call('ZSCORE', unfinished, mission)
  if open == '1' and not is_open then
    redis.call('ZADD', unfinished, redis.call('ZSCORE', missions, mission), mission)
  elseif open == '0' and is_open then
    redis.call('ZREM', unfinished, mission)
  end
  for i = mission_put[1], mission_put[2], 2 do redis.call('HSET', items, ARGV[i], ARGV[i + 1]) end
end

redis.call('XADD', memos, serial .. '-0', 'at', at, 'commit', op)
redis.call('HSET', commits, op, version .. ' ' .. mission_next)
for n, name in ipairs(applied) do
  local i = acks[1] + 2 * (n - 1)
  redis.call('XDEL', inbox, ARGV[i] .. '-0')
  redis.call('HSET', answers, name, ARGV[i + 1])
  redis.call('XADD', memos, serial .. '-' .. n, 'at', at, 'post', name)
end

-- A stream with an index by key: the same key again is the same entry.
local function remove(stream, index, key)
  local n = redis.call('HGET', index, key)
  if n then
    redis.call('XDEL', stream, n .. '-0')
    redis.call('HDEL', index, key)
  end
end
local function add(stream, index, counter_name, key, record)
  if redis.call('HEXISTS', index, key) == 1 then return end
  local n = redis.call('HINCRBY', town, counter_name, 1)
  redis.call('XADD', stream, n .. '-0', 'key', key, 'record', record)
  redis.call('HSET', index, key, n)
end
for i = mail_done[1], mail_done[2], 2 do
  local box = tonumber(ARGV[i])
  remove(KEYS[box], KEYS[box + 1], ARGV[i + 1])
end
for i = mail[1], mail[2], 3 do
  local box = tonumber(ARGV[i])
  add(KEYS[box], KEYS[box + 1], 'last_mail', ARGV[i + 1], ARGV[i + 2])
end
for i = effects_done[1], effects_done[2] do remove(effects, effect_at, ARGV[i]) end
for i = effects_new[1], effects_new[2], 2 do
  add(effects, effect_at, 'last_effect', ARGV[i], ARGV[i + 1])
end
for i = blobs_new[1], blobs_new[2], 2 do redis.call('HSETNX', blobs, ARGV[i], ARGV[i + 1]) end

-- Forget a few names that are more than a day old: at least as many as were added. The oldest is asked first.
local function is_old(entry) return entry and tonumber(entry[2][2]) < tonumber(forget) end
if is_old(redis.call('XRANGE', memos, '-', '+', 'COUNT', 1)[1]) then
  for _, entry in ipairs(redis.call('XRANGE', memos, '-', '+', 'COUNT', #applied + 4)) do
    if is_old(entry) then
      redis.call('XDEL', memos, entry[1])
      local kind, name = entry[2][3], entry[2][4]
      redis.call('HDEL', kind == 'commit' and commits or posts, name)
      if kind == 'post' then redis.call('HDEL', answers, name) end
    end
  end
end
return answer('committed', version, mission_next)
