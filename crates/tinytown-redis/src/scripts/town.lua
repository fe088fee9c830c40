-- What missions share, and the effects under way, as of one moment.
-- KEYS  town, shared, effects
return answer('town', redis.call('HMGET', town, 'id', 'name', 'created_at', 'version'),
  redis.call('HGETALL', KEYS[2]), redis.call('XRANGE', KEYS[3], '-', '+'))
