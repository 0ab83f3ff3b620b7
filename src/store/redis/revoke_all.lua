-- Revokes all sessions of a user; or all but one, which leaves the revision as it is.
-- KEYS: epoch, revision, user, revoked, list, position, the user's sessions.
-- ARGV: user, now, the session that is kept or '', the ids of the sessions.
local now, kept = ARGV[2], ARGV[3]
local ids = {}
for at = 4, #ARGV do ids[at - 3] = ARGV[at] end
local revision = revision_of(KEYS[1], KEYS[2])
if not revision then return forgotten end
if not are_all_of(KEYS[3], ids) then return -1 end

local count = 0
for at, id in ipairs(ids) do
  if id ~= kept and unrevoked(KEYS[6 + at]) then
    revoke(KEYS[6 + at], KEYS[4], id, now)
    redis.call('SREM', KEYS[3], id)
    if kept ~= '' then note(KEYS[5], KEYS[6], now, 'session ' .. id) end
    count = count + 1
  end
end
if kept == '' then
  redis.call('SET', KEYS[2], text(revision + 1))
  note(KEYS[5], KEYS[6], now, 'user ' .. ARGV[1] .. ' ' .. text(revision + 1))
end
return count
