-- Removes a session that is over, or was revoked before a time.
-- KEYS: session, users, revoked. ARGV: id, user and id in bytes, now, before.
local session = record(KEYS[1])
if not session then
  redis.call('ZREM', KEYS[3], ARGV[1])
  return 0
end
local over = tonumber(ARGV[3]) >= ends(session)
if not over and not (session.revoked > 0 and session.revoked < tonumber(ARGV[4])) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
