-- Removes a session that is over, or was revoked before a time.
-- KEYS: session, user, ends, revoked. ARGV: id, now, before.
local revoked = tonumber(redis.call('HGET', KEYS[1], 'revoked'))
local ended = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[1]))
local over = ended and tonumber(ARGV[2]) >= ended
if not over and not (revoked and revoked < tonumber(ARGV[3])) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1
