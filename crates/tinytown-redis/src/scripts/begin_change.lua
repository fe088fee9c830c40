-- What every changing script begins with: is there a town, can we read it, and is this still the life
-- of the store that the town remembers? If not, a new one begins, in which nobody holds the lease.
-- KEYS[1]  the town
-- ARGV[1]  the newest layout that the caller knows      ARGV[2]  a number for a new life
-- ARGV[3]  the life that the caller was last told       ARGV[4]  the highest serial it was told in it
local town = KEYS[1]
local row = redis.call('HMGET', town, 'layout', 'incarnation', 'serial', 'run', 'version', 'epoch', 'counter', 'holder')
if not row[1] then return {'no-town'} end
if tonumber(row[1]) > tonumber(ARGV[1]) then return {'newer', row[1]} end
local life, serial, version, epoch, counter, holder = row[2], tonumber(row[3]), row[5], row[6], row[7], row[8]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local other_server = run ~= row[4]
local went_back = ARGV[3] == life and tonumber(ARGV[4]) > serial
if other_server or went_back then
  life, holder = ARGV[2], false
  redis.call('HSET', town, 'incarnation', life, 'run', run)
  redis.call('HDEL', town, 'holder')
end

-- One more change, so that a store that went back can be told from one that did not.
local function changed()
  serial = redis.call('HINCRBY', town, 'serial', 1)
end

local function answer(word, ...)
  return {word, life, serial, ...}
end

