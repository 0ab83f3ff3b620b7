-- Which of these sessions are live and were last used in a time: 1 or 0 for each.
-- KEYS: the sessions. ARGV: now, from, until.
local now, from, till = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local counts = {}
for at, key in ipairs(KEYS) do
  local session = live(key, now)
  counts[at] = session and from <= session.used and session.used < till and 1 or 0
end
return counts
