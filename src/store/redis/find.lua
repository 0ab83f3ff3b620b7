-- KEYS: epoch, revision, the text of the session's user agent if it has one.
local revision = revision_of(KEYS[1], KEYS[2])
if not revision then return forgotten end
return {revision, KEYS[3] and redis.call('GET', KEYS[3]) or false}
