-- KEYS: epoch, revision, user, ends, revoked, list, position, the session, the user's others.
-- ARGV: revision, cap, now, id, ids of the others (their number first), the session's fields.
local revision, cap, now, id = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
-- This very call has been here before, and its answer was lost on the way to the client library.
if redis.call('EXISTS', KEYS[8]) == 1 then return 'created' end
local current = revision_of(KEYS[1], KEYS[2])
if not current then return forgotten end
if text(current) ~= revision then return 'overtaken' end
local others = {}
for at = 1, tonumber(ARGV[5]) do others[at] = ARGV[5 + at] end
if not are_all_of(KEYS[3], others) then return 'changed' end

local alive = {}
for at, other in ipairs(others) do
  local session = live(KEYS[8 + at], tonumber(now))
  if session then
    local created = tonumber(redis.call('HGET', KEYS[8 + at], 'created'))
    alive[#alive + 1] = {id = other, key = KEYS[8 + at], used = session.used, created = created}
  end
end
-- Those used longest ago go first.
table.sort(alive, function(a, b)
  if a.used ~= b.used then return a.used > b.used end
  return a.created > b.created
end)
for at = cap, #alive do
  revoke(alive[at].key, KEYS[5], alive[at].id, now)
  redis.call('SREM', KEYS[3], alive[at].id)
  note(KEYS[6], KEYS[7], now, 'session ' .. alive[at].id)
end

redis.call('HSET', KEYS[8], unpack(ARGV, 6 + #others))
redis.call('SADD', KEYS[3], id)
redis.call('ZADD', KEYS[4], ends(unrevoked(KEYS[8])), id)
return 'created'
