-- Which of these sessions are live and were last used in a time: 1 or 0 for each.
-- KEYS: live since, the sessions. ARGV: now, from, until.
local now, from, till = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local counts, since = {}, live_since(KEYS[1])
for at = 2, #KEYS do
  local session = live(KEYS[at], now, since)
  counts[at - 1] = session and from <= session.used and session.used < till and 1 or 0
end
return counts
