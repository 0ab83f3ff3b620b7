-- KEYS: epoch. ARGV: than.
local epoch, than = tonumber(redis.call('GET', KEYS[1])), tonumber(ARGV[1])
if not epoch or epoch <= than then
  epoch = math.max(own_clock(), than + 1)
  redis.call('SET', KEYS[1], text(epoch))
end
return epoch
