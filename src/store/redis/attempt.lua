-- KEYS: what the attempt counts at. ARGV: now in seconds, and of each key its allowance.
local now = tonumber(ARGV[1]) * 1000
local all, refused, longest = remembered(), 0, 0
for at, one in ipairs(all) do
  local wait = one.next - now
  if wait > longest and wait <= 2 * one.longest then refused, longest = at, wait end
end
if refused > 0 then return {refused, longest} end
for _, one in ipairs(all) do
  local most = now + (one.free + MOST_BEYOND) * one.forgets
  one.forgotten = math.min(math.max(one.forgotten, now) + one.forgets, most)
  one.next = now + delay(one, now)
  remember(one, now)
end
return {0, 0}
