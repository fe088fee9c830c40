-- The lease and all heartbeats, as of one moment.
-- KEYS  town, beats
return answer('vitals', redis.call('HMGET', town, 'epoch', 'counter', 'holder'), redis.call('HGETALL', KEYS[2]))
