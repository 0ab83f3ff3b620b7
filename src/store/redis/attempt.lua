-- KEYS: what the attempt counts at. ARGV: see attempts.lua.
local all, refused, longest = remembered(), 0, 0
for at, one in ipairs(all) do
  local wait = one.next - now
  if wait > longest and wait <= 2 * one.longest then refused, longest = at, wait end
end
if refused > 0 then return {refused, longest} end
for _, one in ipairs(all) do
  add(one)
  remember(one)
end
return {0, 0}
