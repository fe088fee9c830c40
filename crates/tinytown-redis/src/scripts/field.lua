-- One field of a hash: a text by its SHA-256, or the answer to an input by its name.
-- KEYS  town, hash      ARGV[2]  the field
return answer('field', redis.call('HGET', KEYS[2], ARGV[2]))
