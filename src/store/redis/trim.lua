-- Removes the oldest lines of the list if they are from before a time, but never the last line.
-- KEYS: list. ARGV: before, how many at most.
local lines = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)
local spare = redis.call('ZCARD', KEYS[1]) - 1
local removed = 0
for _, line in ipairs(lines) do
  local at = tonumber(string.match(line, '^%d+ (%d+) '))
  if removed >= spare or at >= tonumber(ARGV[1]) then break end
  redis.call('ZREM', KEYS[1], line)
  removed = removed + 1
end
return removed
