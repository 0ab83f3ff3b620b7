-- Revokes all sessions of a user; or all but one, which leaves the revision as it is.
-- KEYS: epoch, revision, users, revoked, list, position, the user's sessions.
-- ARGV: user, the same in bytes, now, the session that is kept or '', and of each session its id and its
-- field among the users'.
local now, kept = ARGV[3], ARGV[4]
local ids, fields = {}, {}
for at = 1, #KEYS - 6 do
  ids[at], fields[at] = ARGV[3 + 2 * at], ARGV[4 + 2 * at]
end
local revision = revision_of(KEYS[1], KEYS[2])
if not revision then return forgotten end
if not are_all_of(KEYS[3], ARGV[2], fields) then return -1 end

local count = 0
for at, id in ipairs(ids) do
  local session = id ~= kept and unrevoked(KEYS[6 + at])
  if session then
    revoke(KEYS[6 + at], session, KEYS[4], id, now)
    redis.call('HDEL', KEYS[3], fields[at])
    if kept ~= '' then note(KEYS[5], KEYS[6], now, 'session ' .. id) end
    count = count + 1
  end
end
if kept == '' then
  redis.call('SET', KEYS[2], text(revision + 1))
  note(KEYS[5], KEYS[6], now, 'user ' .. ARGV[1] .. ' ' .. text(revision + 1))
end
return count
