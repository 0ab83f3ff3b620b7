-- Revokes one access token of a session; once many were, all of the session that are no younger.
-- KEYS: session, how many were, list, position. ARGV: session, token, when it was issued, now, how many are
-- revoked by themselves.
local session = record(KEYS[1])
local count = 0
if session then
  count = redis.call('INCR', KEYS[2])
  redis.call('EXPIRE', KEYS[2], text(math.max(session.expires - tonumber(ARGV[4]), 1)))
end
if count <= tonumber(ARGV[5]) then
  note(KEYS[3], KEYS[4], ARGV[4], 'token ' .. ARGV[2])
else
  note(KEYS[3], KEYS[4], ARGV[4], 'session ' .. ARGV[1] .. ' ' .. ARGV[3])
end
return 1
