-- KEYS: session, users, revoked, list, position. ARGV: id, user and id in bytes, now.
local session = unrevoked(KEYS[1])
if not session then return 0 end
revoke(KEYS[1], session, KEYS[3], ARGV[1], ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[2])
note(KEYS[4], KEYS[5], ARGV[3], 'session ' .. ARGV[1])
return 1
