-- Removes some of the oldest entries of the list that are from before a time, but never the last entry. A few
-- that are too young, by the clock of who wrote them, hold up no others.
-- KEYS: list. ARGV: before, how many to look at, how many to remove at most.
local before, most = tonumber(ARGV[1]), tonumber(ARGV[3])
local spare, removed = redis.call('ZCARD', KEYS[1]) - 1, 0
for at, line in ipairs(redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)) do
  if at <= spare and removed < most and tonumber(string.match(line, '^%d+ (%d+) ')) < before then
    redis.call('ZREM', KEYS[1], line)
    removed = removed + 1
  end
end
return removed
