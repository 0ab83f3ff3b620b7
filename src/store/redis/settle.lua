-- Puts some of a slot's sessions where they have to be looked for next: back into it, or into later slots.
-- KEYS: slots, slot, the later slots. ARGV: slot, where they stand in it, the sessions, those that stay in it,
-- and of each later slot its number and its sessions.
local first, last = tonumber(ARGV[2]), tonumber(ARGV[2]) + #ARGV[3] - 1
-- Somebody else has been here.
if redis.call('GETRANGE', KEYS[2], first, last) ~= ARGV[3] then return 0 end
local before = first > 0 and redis.call('GETRANGE', KEYS[2], 0, first - 1) or ''
local left = before .. ARGV[4] .. redis.call('GETRANGE', KEYS[2], last + 1, -1)
if left == '' then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[2], left)
end
for at = 1, #KEYS - 2 do
  schedule(KEYS[1], KEYS[2 + at], ARGV[3 + 2 * at], ARGV[4 + 2 * at])
end
return 1
