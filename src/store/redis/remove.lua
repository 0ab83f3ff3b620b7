-- Removes those of these sessions that are over, or were revoked before a time. Answers for each: 1 if it was
-- removed, 0 if it was not there, -1 if it stays.
-- KEYS: revoked, and of each session its key and the users'.
-- ARGV: now, before, and of each its id, and user and id in bytes.
local now, before = tonumber(ARGV[1]), tonumber(ARGV[2])
local function remove(session_key, users_key, id, field)
  local session = record(session_key)
  local stays = session and now < ends(session) and not (session.revoked > 0 and session.revoked < before)
  if stays then return -1 end
  redis.call('ZREM', KEYS[1], id)
  if not session then return 0 end
  redis.call('DEL', session_key)
  redis.call('HDEL', users_key, field)
  return 1
end

local answers = {}
for at = 1, (#KEYS - 1) / 2 do
  answers[at] = remove(KEYS[2 * at], KEYS[2 * at + 1], ARGV[1 + 2 * at], ARGV[2 + 2 * at])
end
return answers
