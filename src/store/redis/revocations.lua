-- KEYS: epoch, list. ARGV: from, limit.
local epoch = tonumber(redis.call('GET', KEYS[1])) or 0
return {epoch, own_clock(), redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])}
