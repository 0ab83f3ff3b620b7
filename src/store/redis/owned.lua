-- What of each session's record says when it ends and whose it is. KEYS: the sessions. ARGV: how much that is.
local found = {}
for at, key in ipairs(KEYS) do
  found[at] = redis.call('GETRANGE', key, 0, tonumber(ARGV[1]) - 1)
end
return found
