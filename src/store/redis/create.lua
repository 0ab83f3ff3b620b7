-- KEYS: epoch, revision, users, slots, slot, revoked, list, position, the session, live since, the user's others.
-- ARGV: revision, cap, now, id, user and id in bytes, record, slot, and of each of the others its id and its
-- field among the users'.
local revision, cap, now, id = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local user, bytes = string.sub(ARGV[5], 1, 16), string.sub(ARGV[5], 17)
-- This very call has been here before, and its answer was lost on the way to the client library.
if redis.call('EXISTS', KEYS[9]) == 1 then return 'created' end
local current = revision_of(KEYS[1], KEYS[2])
if not current then return forgotten end
if text(current) ~= revision then return 'overtaken' end
local others, fields = {}, {}
for at = 1, #KEYS - 10 do
  others[at], fields[at] = ARGV[6 + 2 * at], ARGV[7 + 2 * at]
end
if not are_all_of(KEYS[3], user, fields) then return 'changed' end

local alive, since = {}, live_since(KEYS[10])
for at, other in ipairs(others) do
  local session = live(KEYS[10 + at], tonumber(now), since)
  if session then
    local created = struct.unpack('>I5', redis.call('GETRANGE', KEYS[10 + at], 74, 78))
    alive[#alive + 1] = {id = other, key = KEYS[10 + at], field = fields[at], session = session, created = created}
  end
end
-- Those used longest ago go first.
table.sort(alive, function(a, b)
  if a.session.used ~= b.session.used then return a.session.used > b.session.used end
  return a.created > b.created
end)
for at = cap, #alive do
  revoke(alive[at].key, alive[at].session, KEYS[6], alive[at].id, now)
  redis.call('HDEL', KEYS[3], alive[at].field)
  note(KEYS[7], KEYS[8], now, 'session ' .. alive[at].id)
end

redis.call('SET', KEYS[9], ARGV[6])
local created = record(KEYS[9])
created.epoch = tonumber(redis.call('GET', KEYS[1]))
write(KEYS[9], created)
redis.call('HSET', KEYS[3], ARGV[5], '')
schedule(KEYS[4], KEYS[5], ARGV[7], bytes)
return 'created'
