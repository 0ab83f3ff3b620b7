-- KEYS: session, ends, revoked, list, position. ARGV: id, generation, now, grace, attempt.
local id, presented, now, grace = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local session = live(KEYS[1], now)
if not session then return {'gone', 0} end
-- This very call has been here before, and its answer was lost on the way to the client library.
if session.attempt == ARGV[5] then return {'advanced', session.generation} end
if presented == session.generation then
  session.generation = presented + 1
  session.used = now
  redis.call('HSET', KEYS[1], 'generation', text(session.generation), 'used', ARGV[3], 'attempt', ARGV[5])
  redis.call('ZADD', KEYS[2], ends(session), id)
  return {'advanced', session.generation}
end
-- Only the immediate parent: a grandparent is a copy, however young. Without grace never, also by a
-- clock that is behind.
if presented + 1 == session.generation and grace > 0 and now < session.used + grace then
  return {'repeated', session.generation}
end
revoke(KEYS[1], KEYS[3], id, ARGV[3])
note(KEYS[4], KEYS[5], ARGV[3], 'session ' .. id)
return {'reused', 0}
