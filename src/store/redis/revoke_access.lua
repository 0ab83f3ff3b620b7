-- KEYS: epoch, revision, list, position. ARGV: user, now.
local revision = revision_of(KEYS[1], KEYS[2])
if not revision then return forgotten end
redis.call('SET', KEYS[2], text(revision + 1))
note(KEYS[3], KEYS[4], ARGV[2], 'user ' .. ARGV[1] .. ' ' .. text(revision + 1))
return 1
