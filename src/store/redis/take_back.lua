-- KEYS: what the attempt counted at, and after these the key of the failures that it makes up for, if any,
-- which has no allowance. ARGV: see attempts.lua.
local all, own = remembered(), 0
if not all[#all] then return 1 end
if not all[#all].free then
  own = math.max(all[#all].forgotten - now, 0)
  redis.call('DEL', all[#all].key)
  all[#all] = nil
end
for at, one in ipairs(all) do
  if one.exists then
    one.forgotten = math.max(one.forgotten - one.forgets - (at == 1 and own or 0), 0)
    one.next = math.min(one.next, delayed_until(one))
    remember(one)
  end
end
return 1
