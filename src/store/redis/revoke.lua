-- KEYS: session, user, revoked, list, position. ARGV: id, now.
if not unrevoked(KEYS[1]) then return 0 end
revoke(KEYS[1], KEYS[3], ARGV[1], ARGV[2])
redis.call('SREM', KEYS[2], ARGV[1])
note(KEYS[4], KEYS[5], ARGV[2], 'session ' .. ARGV[1])
return 1
