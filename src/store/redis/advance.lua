-- KEYS: session, revoked, list, position, live since. ARGV: id, generation, now, grace, attempt.
local presented, now, grace = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local session = live(KEYS[1], now, live_since(KEYS[5]))
if not session then return {'gone', 0} end
-- This very call has been here before, and its answer was lost on the way to the client library.
if session.attempt == ARGV[5] then return {'advanced', session.generation} end
if presented == session.generation then
  session.generation, session.used, session.attempt = presented + 1, now, ARGV[5]
  write(KEYS[1], session)
  return {'advanced', session.generation}
end
-- Only the immediate parent: a grandparent is a copy, however young. Without grace never, also by a
-- clock that is behind.
if presented + 1 == session.generation and grace > 0 and now < session.used + grace then
  return {'repeated', session.generation}
end
revoke(KEYS[1], session, KEYS[2], ARGV[1], ARGV[3])
note(KEYS[3], KEYS[4], ARGV[3], 'session ' .. ARGV[1])
return {'reused', 0}
