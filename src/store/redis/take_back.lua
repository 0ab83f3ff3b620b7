-- KEYS: what the attempt counted at. ARGV: now in seconds, and of each key its allowance.
local now = tonumber(ARGV[1]) * 1000
for _, one in ipairs(remembered()) do
  if one.exists then
    one.forgotten = math.max(one.forgotten - one.forgets, 0)
    one.next = math.min(one.next, now + delay(one, now))
    remember(one, now)
  end
end
return 1
