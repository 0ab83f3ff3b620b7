-- KEYS: epoch, live since. ARGV: than, 'end' if the sessions of earlier epochs end.
local epoch, than = tonumber(redis.call('GET', KEYS[1])), tonumber(ARGV[1])
if not epoch or epoch <= than then
  epoch = math.max(own_clock(), than + 1)
  if ARGV[2] == 'end' then redis.call('SET', KEYS[2], text(epoch)) end
  redis.call('SET', KEYS[1], text(epoch))
end
return epoch
